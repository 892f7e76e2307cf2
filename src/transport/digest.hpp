#pragma once

// By the library that TLS comes from.

#include <array>
#include <cstdint>
#include <string_view>

namespace monarc::transport {

// FIPS 180-4. Throws std::bad_alloc.
std::array<std::uint8_t, 28> sha224(std::string_view bytes);

} // namespace monarc::transport
