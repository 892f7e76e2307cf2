#pragma once

#include <string_view>

namespace monarc::fuzz {

// Reads one input, whatever bytes it has: no crash, no sanitizer's report, no hang.
void read(std::string_view input);

} // namespace monarc::fuzz
