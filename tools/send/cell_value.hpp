#pragma once

// The type of a CSV cell.

#include "send/row.hpp"

#include <optional>
#include <string_view>

namespace monarc::send {

// What JSON would take for a number or a boolean is one: no sign +, no leading zeros, no white
// space. A whole number is an integer, and a text if it does not fit 64 bits; so is a number beyond
// a double. An empty cell is missing. Everything else is a text.
value cell_value(std::string_view cell) noexcept;

// Of a number, or of a text that is one.
std::optional<double> number_of(const value& what) noexcept;

} // namespace monarc::send
