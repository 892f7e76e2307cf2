#pragma once

// The parameters of Monasca's reads. Pure.

#include "sink/http_message.hpp"
#include "sink/monasca_metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

// Thrown by what reads parameters or answers with them; caught where requests are answered.
struct monasca_refusal : std::runtime_error {
    explicit monasca_refusal(monasca_error why)
        : std::runtime_error(why.description), error(std::move(why)) {}

    monasca_error error;
};

[[noreturn]] void refuse_query(std::string description);

std::vector<std::string> split(std::string_view text, char at);
std::string upper(std::string text); ///< Letters of ASCII.

// `k:v,k2:a|b,k3`: a key and the values it may have; none: it must be there.
struct dimension_filter {
    struct wanted {
        std::string key{};
        std::vector<std::string> values{};
    };
    std::vector<wanted> all{};

    bool admits(const dimension_list& dimensions) const noexcept;
    // What stands in an answer that is about several series.
    dimension_list as_dimensions() const;
};

// What a read asks for. Members throw monasca_refusal as Monasca answers.
class monasca_query {
public:
    explicit monasca_query(std::string_view query) : params_(read_query(query)) {}

    std::optional<std::string> find(std::string_view name) const;
    std::string require(std::string_view name, std::string_view called) const;
    std::vector<std::string> find_all(std::string_view name) const;

    std::string metric_name(bool is_required) const; ///< Empty: any.
    dimension_filter dimensions(std::string_view name = "dimensions") const;
    std::optional<std::int64_t> time(std::string_view name) const; ///< Microseconds.
    std::int64_t required_time(std::string_view name, std::string_view called) const;
    std::size_t limit() const;
    std::vector<std::string> statistics() const;
    std::int64_t period() const; ///< Seconds.
    bool merges() const;
    std::vector<std::string> group_by() const;
    std::string tenant() const; ///< Empty: none asked for; of several, a JSON list.

private:
    query_params params_;
};

// An ISO 8601 time in microseconds since 1970. A time without a zone is UTC.
std::optional<std::int64_t> read_time(std::string_view text);
std::string to_time(std::int64_t milliseconds, bool with_milliseconds);

} // namespace monarc::sink
