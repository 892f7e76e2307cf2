#pragma once

// How bad lines are spoken of.

#include "send/row.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::send {

inline constexpr std::uint64_t most_bad_named = 10; // the others are only counted

// "17", or "17-19" if it goes over several.
std::string lines_of(const row& r);

// Of a column that an option names.
bool is_absent(const value& what) noexcept;
std::string not_there(std::string_view column, std::string_view option);

// Why it stops.
std::string too_many_bad(const std::string& file, std::uint64_t max_bad);

} // namespace monarc::send
