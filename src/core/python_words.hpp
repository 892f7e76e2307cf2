#pragma once

// What the environment says to programs in Python, read as they read it.

#include <cstdint>
#include <optional>
#include <string_view>

namespace monarc {

// The spellings that Python's int() takes.
std::optional<std::int64_t> python_integer(std::string_view text) noexcept;

// Those that its float() takes, but for underscores.
std::optional<double> python_number(std::string_view text) noexcept;

// True, true, False, false; whatever else there is means `otherwise`.
bool read_switch(const char* text, bool otherwise) noexcept;

} // namespace monarc
