#pragma once

// Text from outside becomes valid UTF-8 here (D-4.4).

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace monarc {

// Pieces of eight bytes that overlap in the middle; most ids and texts are no longer than a few.
inline bool is_ascii(std::string_view text) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080u;
    const auto word = [&]<class Word>(Word, std::size_t at) -> std::uint64_t {
        Word w;
        std::memcpy(&w, text.data() + at, sizeof w);
        return w;
    };
    const auto size = text.size();
    std::uint64_t seen = 0;
    if (size >= 8) {
        for (std::size_t at = 0; at + 8 < size; at += 8) {
            seen |= word(std::uint64_t{}, at);
        }
        seen |= word(std::uint64_t{}, size - 8);
    } else if (size >= 4) {
        seen = word(std::uint32_t{}, 0) | word(std::uint32_t{}, size - 4);
    } else if (size != 0) {
        seen = word(std::uint8_t{}, 0) | word(std::uint8_t{}, size / 2) |
               word(std::uint8_t{}, size - 1);
    }
    return (seen & high_bits) == 0;
}

bool is_utf8_slowly(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept {
    return is_ascii(text) || is_utf8_slowly(text);
}

// Appends `text` with U+FFFD for each maximal part of a broken sequence, as Unicode 15 section 3.9
// recommends. Returns: whether anything was replaced.
bool append_utf8(std::string_view text, std::string& out);

} // namespace monarc
