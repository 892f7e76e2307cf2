#include "sink/seeded_ids.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

namespace monarc::sink {

// RFC 9562: version 4.
std::string seeded_ids::uuid() {
    const auto a = bits_();
    const auto b = bits_();
    return fmt::format(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 50),
        b & 0xffff'ffff'ffff);
}

std::string seeded_ids::base64url(std::size_t characters) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string made;
    made.reserve(characters);
    while (made.size() < characters)
        made += alphabet[bits_() >> 58];
    return made;
}

} // namespace monarc::sink
