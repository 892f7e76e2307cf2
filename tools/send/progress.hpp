#pragma once

// What progress looks like. Facts and times come in, text goes out.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::send {

struct progress_facts {
    std::uint64_t bytes_read = 0;
    std::optional<std::uint64_t> bytes_total{};
    std::uint64_t records = 0;      // handed over
    std::uint64_t acknowledged = 0; // by the receiver
    std::uint64_t bad_lines = 0;
    std::string_view trouble{}; // why the receiver takes nothing; empty if it does
};

class progress {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // The facts of a moment; rates are those of the last seconds.
    void add(const progress_facts& facts, time_point now);

    // For a terminal of so many columns: never wider.
    std::string bar(std::size_t columns, bool has_colour) const;
    // For everything else.
    std::string line() const;

private:
    struct sample {
        time_point at;
        std::uint64_t bytes = 0;
        std::uint64_t records = 0;
    };

    double per_second(std::uint64_t sample::*what) const noexcept;
    std::string eta() const;

    progress_facts facts_;
    std::string trouble_;
    std::deque<sample> samples_;
};

// "17", "12.3 k", "4.56 M"
std::string short_count(double count);
// "0:07", "1:02:03"
std::string short_duration(std::chrono::seconds duration);

} // namespace monarc::send
