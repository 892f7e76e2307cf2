#pragma once

// The process-wide table of names: keys and shapes, interned once and never destroyed. Slots carry
// numbers; the I/O thread looks a number up once and keeps what it found.

#include <monarc/detail/shape.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc {

using key_number = std::uint16_t;
inline constexpr key_number key_without_room = 0;
inline constexpr key_number key_too_long = 1;

struct key_name {
    std::string text;      // valid UTF-8
    bool reserved = false; // begins with MONA_
    bool repaired = false; // bytes of it became U+FFFD
};

struct shape_field {
    key_number key;
    detail::value_type type;
    std::uint16_t offset; // of its fixed part in the body
};

// What a shape number stands for.
struct shape {
    key_number class_name = key_without_room; // "" of a push through a handle
    std::vector<shape_field> fields;          // in the written order
    std::uint32_t fixed_bytes = 0;            // where the texts begin
};

key_number intern_key(std::string_view name) noexcept;

// The number must come from intern_key, the result lives until the process ends.
const key_name& name_of(key_number number) noexcept;
const shape& shape_of_number(std::uint32_t number) noexcept;

// For fork(): nobody may hold the table's lock while the process is copied.
void lock_names() noexcept;
void unlock_names() noexcept;

} // namespace monarc
