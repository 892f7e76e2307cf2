#pragma once

#include "send/target.hpp"
#include "send/time_column.hpp"

#include <monarc/metric.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace monarc::send {

struct monasca_columns {
    std::string metric{};                       // unless a column says it
    std::optional<std::size_t> metric_column{}; // of row::chosen
    std::size_t value = 0;
    std::vector<std::pair<std::string, std::size_t>> dimensions{}; // by name
    std::optional<std::size_t> time{};                             // none: the moment of the push
    time_form form = time_form::automatic;
    std::map<std::string, std::string> added{}; // monasca.dimensions
    // What the columns are called, for messages.
    std::string metric_name{};
    std::string value_name{};
    std::string time_name{};
};

// A value of a series a row, of kind every.
class monasca_target final : public target {
public:
    // The time of now comes in, because what is too old for Monasca is not pushed.
    explicit monasca_target(monasca_columns columns, std::function<time_point()> now);

    std::string prepare(const row& r) override;
    bool push(exporter& to) override;
    std::size_t cost_bytes() const noexcept override;
    std::string shown() override;
    std::uint64_t repaired() const noexcept override { return repaired_; }

private:
    std::string take_name(const row& r);
    std::string take_value(const row& r);
    std::string take_time(const row& r);
    std::string take_dimensions(const row& r);
    std::string check();

    monasca_columns columns_;
    std::function<time_point()> now_;
    std::string name_;
    double value_ = 0.0;
    std::optional<time_point> when_;
    std::map<std::string, std::string> dimensions_;
    std::string key_; // of the series
    std::uint64_t repaired_ = 0;

    struct opened {
        std::optional<series> handle{}; // once something is pushed
        std::string wrong{};
    };
    std::unordered_map<std::string, opened> series_;
    opened* current_ = nullptr;
};

} // namespace monarc::send
