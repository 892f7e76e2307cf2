#pragma once

// What the handshake of the forward protocol needs of cryptography.

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace monarc::transport {

// SHA-512 over the parts, one after the other, as 128 lower-case hex digits.
// Throws std::bad_alloc.
std::string sha512_hex(std::initializer_list<std::string_view> parts);

// Takes the same time wherever they differ.
bool is_same_secret(std::string_view a, std::string_view b) noexcept;

// From the system's source of randomness. Throws std::bad_alloc, also if that has nothing.
std::string random_bytes(std::size_t count);

std::string to_hex(std::string_view bytes);

} // namespace monarc::transport
