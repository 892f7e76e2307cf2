#pragma once

// Writes MessagePack in the shortest form of each value; doubles are always float 64, texts use str
// 8 (mona-client.md section 2).

#include "core/byte_buffer.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace monarc::encode {

class msgpack_writer {
public:
    explicit msgpack_writer(byte_buffer& out) noexcept : out_(out) {}

    void nil() { byte(0xc0); }
    void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }

    void natural(std::uint64_t value) {
        if (value < 0x80) {
            byte(static_cast<unsigned char>(value));
        } else if (value <= 0xff) {
            head<std::uint8_t>(0xcc, value);
        } else if (value <= 0xffff) {
            head<std::uint16_t>(0xcd, value);
        } else if (value <= 0xffff'ffff) {
            head<std::uint32_t>(0xce, value);
        } else {
            head<std::uint64_t>(0xcf, value);
        }
    }

    void integer(std::int64_t value) {
        if (value >= 0) {
            natural(static_cast<std::uint64_t>(value));
        } else if (value >= -32) {
            byte(static_cast<unsigned char>(value));
        } else if (value >= INT8_MIN) {
            head<std::uint8_t>(0xd0, static_cast<std::uint64_t>(value));
        } else if (value >= INT16_MIN) {
            head<std::uint16_t>(0xd1, static_cast<std::uint64_t>(value));
        } else if (value >= INT32_MIN) {
            head<std::uint32_t>(0xd2, static_cast<std::uint64_t>(value));
        } else {
            head<std::uint64_t>(0xd3, static_cast<std::uint64_t>(value));
        }
    }

    void real(double value) { head<std::uint64_t>(0xcb, std::bit_cast<std::uint64_t>(value)); }

    void text(std::string_view value) {
        text_head(value.size());
        raw(value);
    }
    void text_head(std::size_t bytes) {
        if (bytes < 32) {
            byte(static_cast<unsigned char>(0xa0 | bytes));
        } else if (bytes <= 0xff) {
            head<std::uint8_t>(0xd9, bytes);
        } else if (bytes <= 0xffff) {
            head<std::uint16_t>(0xda, bytes);
        } else {
            head<std::uint32_t>(0xdb, bytes);
        }
    }

    void binary_head(std::size_t bytes) {
        if (bytes <= 0xff) {
            head<std::uint8_t>(0xc4, bytes);
        } else if (bytes <= 0xffff) {
            head<std::uint16_t>(0xc5, bytes);
        } else {
            head<std::uint32_t>(0xc6, bytes);
        }
    }

    void array(std::size_t count) { container(0x90, 0xdc, count); }
    void map(std::size_t count) { container(0x80, 0xde, count); }

    // Bytes that are MessagePack already.
    void raw(std::string_view encoded) { out_.append(encoded); }

private:
    void byte(unsigned char value) {
        *out_.room_for(1) = static_cast<char>(value);
        out_.commit(1);
    }

    template <class Word>
    void head(unsigned char type, std::uint64_t value) {
        char* const at = out_.room_for(1 + sizeof(Word));
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
        out_.commit(1 + sizeof word);
    }

    void container(unsigned char small, unsigned char sixteen, std::size_t count) {
        if (count < 16) {
            byte(static_cast<unsigned char>(small | count));
        } else if (count <= 0xffff) {
            head<std::uint16_t>(sixteen, count);
        } else {
            head<std::uint32_t>(static_cast<unsigned char>(sixteen + 1), count);
        }
    }

    byte_buffer& out_;
};

} // namespace monarc::encode
