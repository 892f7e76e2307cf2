#pragma once

// What is said of logins that fail while a token is good (delivery.md D-1.4): sending goes on, so
// nobody else would notice.

#include "core/log.hpp"

#include <monarc/options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace monarc::auth {

using say_function = std::function<void(log_level, std::string_view)>;

// Threads: one.
class refresh_log {
public:
    using time_point = repeated_failure::time_point;

    // `who`: in front of the line that says that it is over.
    refresh_log(say_function say, std::string who);

    // A login failed; `has_token`: the one before is good still. Else whoever wants to send says
    // it.
    void failed(std::string_view why, bool has_token, time_point now);
    void issued();

private:
    logger log_;
    std::string who_;
    repeated_failure failing_;
    std::uint64_t in_a_row_ = 0;
};

} // namespace monarc::auth
