#include "core/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace monarc {
namespace {

std::string_view word(log_level level) noexcept {
    switch (level) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    case log_level::error: return "error";
    }
    return "log";
}

} // namespace

void write_to_standard_error(log_level level, std::string_view text) {
    fmt::memory_buffer line;
    fmt::format_to(std::back_inserter(line), "monarc {}: {}\n", word(level), text);
    // One write, so that lines of several threads do not mix; nothing can be done if it fails.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void logger::operator()(log_level level, std::string_view text) noexcept {
    try {
        if (to_) {
            to_({.level = level, .text = text});
        } else if (level >= log_level::warning) {
            write_to_standard_error(level, text);
        }
    } catch (...) {
        ++exceptions_;
    }
}

void repeated_failure::happened(
    logger& log, log_level level, std::string_view text, time_point now) {
    if (count_++ == 0) {
        log(level, text);
        last_said_ = now;
        unsaid_ = 0;
        return;
    }
    ++unsaid_;
    if (now - last_said_ >= std::chrono::minutes(1)) {
        log(level, fmt::format("{}; {} more since the last line", text, unsaid_));
        last_said_ = now;
        unsaid_ = 0;
    }
}

void repeated_failure::ended(logger& log, std::string_view text) {
    if (count_ != 0) {
        log(log_level::info, fmt::format("{}; it had failed {} times", text, count_));
        count_ = 0;
    }
}

} // namespace monarc
