#pragma once

// What the handshake of the forward protocol and sampling need of cryptography.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace monarc::transport {

// SHA-512 over the parts, one after the other, as 128 lower-case hex digits.
// Throws std::bad_alloc.
std::string sha512_hex(std::initializer_list<std::string_view> parts);

// SHA-224. Throws std::bad_alloc.
std::array<std::uint8_t, 28> sha224(std::string_view bytes);

// Takes the same time wherever they differ.
bool is_same_secret(std::string_view a, std::string_view b) noexcept;

// From the system's source of randomness. Throws std::bad_alloc, also if that has nothing.
std::string random_bytes(std::size_t count);

std::string to_hex(std::string_view bytes);

} // namespace monarc::transport
