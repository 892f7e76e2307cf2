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
    key_number key = key_without_room; // which an element of an array keeps
    detail::value_type type{};
    bool is_optional = false;
    std::uint16_t offset = 0;      // of its fixed part in the body
    std::uint16_t flag_offset = 0; // of the byte that says whether an optional value is there
    std::uint16_t members = 0;     // of an object or array
    std::uint16_t inside = 0;      // all that stands in it, however deep
};

// What a shape number stands for.
struct shape {
    key_number class_name = key_without_room; // "" if the class does not come with the shape
    std::vector<key_number> keys;             // of the record itself, in the written order
    std::vector<shape_field> fields;          // the same order; what stands in a field is behind it
    std::uint32_t fixed_bytes = 0;            // where the texts begin
    bool has_json = false;                    // somewhere in it
    bool has_numbers = false;                 // many of them in one value
};

key_number intern_key(std::string_view name) noexcept;

// The same for a name that data brings, not a program: such names may take a quarter of the
// numbers, so that no data uses up those of the programs. Returns: key_without_room when that is
// reached.
key_number intern_key_of_data(std::string_view name) noexcept;

// The number must come from intern_key, the result lives until the process ends.
const key_name& name_of(key_number number) noexcept;
const shape& shape_of_number(std::uint32_t number) noexcept;

// For fork(): nobody may hold the table's lock while the process is copied.
void lock_names() noexcept;
void unlock_names() noexcept;

} // namespace monarc
