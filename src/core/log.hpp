#pragma once

// Where the library says what it does: the callback of the options, else standard error from
// warnings up.

#include <monarc/options.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc {

// One line, in one piece.
void write_to_standard_error(log_level level, std::string_view text);

// Threads: one.
class logger {
public:
    explicit logger(log_function to) : to_(std::move(to)) {}

    void operator()(log_level level, std::string_view text) noexcept;

    // Exceptions that left the callback.
    std::uint64_t exceptions() const noexcept { return exceptions_; }

private:
    log_function to_;
    std::uint64_t exceptions_ = 0;
};

// D-1.4: a failure that repeats is logged when it starts, then once a minute with its count, then
// when it ends.
class repeated_failure {
public:
    using time_point = std::chrono::steady_clock::time_point;

    void happened(logger& log, log_level level, std::string_view text, time_point now);
    void ended(logger& log, std::string_view text);
    bool goes_on() const noexcept { return count_ != 0; }

private:
    std::uint64_t count_ = 0;
    std::uint64_t unsaid_ = 0;
    time_point last_said_{};
};

} // namespace monarc
