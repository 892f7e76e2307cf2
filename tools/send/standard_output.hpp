#pragma once

#include <string_view>
#include <system_error>

namespace monarc::send {

// All of it, before it returns.
std::error_code write_standard_output(std::string_view text) noexcept;

} // namespace monarc::send
