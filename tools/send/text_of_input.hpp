#pragma once

// What both formats do with text that comes in.

#include "send/row.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::send {

// Of the byte order mark that some programs put before UTF-8.
std::string_view without_mark(std::string_view text) noexcept;

// Of what JSON takes for white space, at both ends.
std::string_view trimmed(std::string_view text) noexcept;

// A line of so many bytes is more than a record may have.
std::string too_long(std::uint64_t bytes);

// What a failed read comes to: a signal interrupts it.
found found_of(std::error_code ec, std::string& why);

} // namespace monarc::send
