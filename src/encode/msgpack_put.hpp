#pragma once

// MessagePack in the shortest form of each value, into memory that has room; doubles are always
// float 64, texts use str 8 (mona-client.md section 2). Every function returns where the next byte
// goes; any of them may write most_head_bytes.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace monarc::encode {

inline constexpr std::size_t most_head_bytes = 9; // what anything but the bytes of a text takes

inline char* put_byte(char* at, unsigned char value) noexcept {
    *at = static_cast<char>(value);
    return at + 1;
}

// A type and a big-endian number.
template <class Word>
inline char* put_word(char* at, unsigned char type, std::uint64_t value) noexcept {
    *at = static_cast<char>(type);
    auto word = static_cast<Word>(value);
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof word == 2) {
            word = __builtin_bswap16(word);
        } else if constexpr (sizeof word == 4) {
            word = __builtin_bswap32(word);
        } else if constexpr (sizeof word == 8) {
            word = __builtin_bswap64(word);
        }
    }
    std::memcpy(at + 1, &word, sizeof word);
    return at + 1 + sizeof word;
}

inline char* put_nil(char* at) noexcept {
    return put_byte(at, 0xc0);
}
inline char* put_boolean(char* at, bool value) noexcept {
    return put_byte(at, value ? 0xc3 : 0xc2);
}

// Writes nine bytes, of which those that are needed count: which of the four lengths it is differs
// from value to value, and no branch has to guess it.
inline char* put_natural(char* at, std::uint64_t value) noexcept {
    if (value < 0x80) {
        return put_byte(at, static_cast<unsigned char>(value));
    }
    const unsigned longer = (value > 0xff) + (value > 0xffff) + (value > 0xffff'ffff);
    const unsigned bytes = 1u << longer;
    put_word<std::uint64_t>(
        at, static_cast<unsigned char>(0xcc + longer), value << (64 - 8 * bytes));
    return at + 1 + bytes;
}

inline char* put_integer(char* at, std::int64_t value) noexcept {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) {
        return put_natural(at, bits);
    }
    if (value >= -32) {
        return put_byte(at, static_cast<unsigned char>(value));
    }
    if (value >= INT8_MIN) {
        return put_word<std::uint8_t>(at, 0xd0, bits);
    }
    if (value >= INT16_MIN) {
        return put_word<std::uint16_t>(at, 0xd1, bits);
    }
    if (value >= INT32_MIN) {
        return put_word<std::uint32_t>(at, 0xd2, bits);
    }
    return put_word<std::uint64_t>(at, 0xd3, bits);
}

inline char* put_real(char* at, double value) noexcept {
    return put_word<std::uint64_t>(at, 0xcb, std::bit_cast<std::uint64_t>(value));
}

inline char* put_text_head(char* at, std::size_t bytes) noexcept {
    if (bytes < 32) {
        return put_byte(at, static_cast<unsigned char>(0xa0 | bytes));
    }
    if (bytes <= 0xff) {
        return put_word<std::uint8_t>(at, 0xd9, bytes);
    }
    if (bytes <= 0xffff) {
        return put_word<std::uint16_t>(at, 0xda, bytes);
    }
    return put_word<std::uint32_t>(at, 0xdb, bytes);
}

inline char* put_binary_head(char* at, std::size_t bytes) noexcept {
    if (bytes <= 0xff) {
        return put_word<std::uint8_t>(at, 0xc4, bytes);
    }
    if (bytes <= 0xffff) {
        return put_word<std::uint16_t>(at, 0xc5, bytes);
    }
    return put_word<std::uint32_t>(at, 0xc6, bytes);
}

// A number as its digits, for what has more of them than MessagePack's; of our own.
inline constexpr std::int8_t digits_extension = 1;

inline char* put_extension_head(char* at, std::int8_t type, std::size_t bytes) noexcept {
    at = bytes <= 0xff     ? put_word<std::uint8_t>(at, 0xc7, bytes)
         : bytes <= 0xffff ? put_word<std::uint16_t>(at, 0xc8, bytes)
                           : put_word<std::uint32_t>(at, 0xc9, bytes);
    return put_byte(at, static_cast<unsigned char>(type));
}

inline char* put_array(char* at, std::size_t count) noexcept {
    if (count < 16) {
        return put_byte(at, static_cast<unsigned char>(0x90 | count));
    }
    return count <= 0xffff ? put_word<std::uint16_t>(at, 0xdc, count)
                           : put_word<std::uint32_t>(at, 0xdd, count);
}

inline char* put_map(char* at, std::size_t count) noexcept {
    if (count < 16) {
        return put_byte(at, static_cast<unsigned char>(0x80 | count));
    }
    return count <= 0xffff ? put_word<std::uint16_t>(at, 0xde, count)
                           : put_word<std::uint32_t>(at, 0xdf, count);
}

} // namespace monarc::encode
