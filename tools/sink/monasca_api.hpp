#pragma once

// Monasca's API as the sink offers it: which resource a request is for, who may use it, and what
// the answer is. Knows no socket and no clock.

#include "sink/http_message.hpp"
#include "sink/monasca_metrics.hpp"
#include "sink/monasca_summary.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace monarc::sink {

struct monasca_options {
    std::string token{}; ///< The one that is taken; empty: any that is not.
    std::string tenant = "0123456789abcdef0123456789abcdef"; ///< The project of every token.
    bool may_delegate = true;                                ///< Whether tenant_id is honoured.
    bool has_role = true;    ///< false: every good token gets the 401 of a missing role.
    bool takes_gzip = false; ///< As behind an Apache that inflates; else gzip is no JSON.
    std::size_t max_store_bytes = std::size_t{256} << 20; ///< Beyond it the oldest points go.
    std::size_t max_metrics = 4096;                       ///< Names that are counted by themselves.

    /// Called for every measurement that was accepted, from within serve().
    std::function<void(std::string_view tenant, const measurement&)> on_measurement{};
    /// One line without a line feed; of each kind of violation only the first few.
    std::function<void(std::string_view)> log{};
};

// Threads: any; requests are served one at a time.
class monasca_api {
public:
    explicit monasca_api(monasca_options wanted);
    ~monasca_api();
    monasca_api(const monasca_api&) = delete;
    monasca_api& operator=(const monasca_api&) = delete;

    http_response serve(const http_request& request, std::int64_t now_milliseconds);

    // Without what the HTTP server counts.
    monasca_summary snapshot() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
