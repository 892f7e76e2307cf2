#pragma once

// Times as files write them.

#include "send/row.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace monarc::send {

enum class time_form {
    automatic,    // a number below 10^11 is seconds, else milliseconds; a text is ISO 8601
    seconds,      // since 1970, with or without a fraction
    milliseconds, // since 1970
    iso8601,      // 2026-01-31T12:30:00.5+01:00; a date alone; without an offset it is UTC
};

using time_point = std::chrono::system_clock::time_point;

// Returns: what is wrong with it, with the value; empty if nothing is. Range: 1970 … 2106.
std::string read_time(const value& from, time_form form, time_point& to);

// The text of a number that a time, an id or a metric's value is made of, or any text.
std::string shown(const value& what);

// `2026-01-31T12:30:00.500Z`
std::string to_iso8601(time_point when);

} // namespace monarc::send
