#pragma once

// Sealed records, ready to encode.

#include "core/byte_buffer.hpp"
#include "core/names.hpp"

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace monarc {

inline constexpr std::uint32_t no_part = std::numeric_limits<std::uint32_t>::max();

// The fields of one record, without reserved ones.
struct batch_part {
    std::uint32_t shape;
    std::uint32_t body_at; // in batch::bodies
    std::uint32_t body_bytes;
    std::uint32_t next; // of the same entry, or no_part
};

// One event: a class message, or what was merged of one context. One cache line.
struct alignas(64) batch_entry {
    std::uint32_t id_at = 0; // in batch::bodies
    std::uint16_t id_bytes = 0;
    key_number class_name = key_without_room; // of a class message; its parts are none
    bool is_class_message = false;
    bool may_repeat_keys =
        false; // mode overwrite: the later value of a key holds, at the place of the first
    std::uint64_t key_bits = 0;   // one bit per key, by its number modulo 64
    std::int64_t seconds = 0;     // what export_timestamp says
    std::int64_t pushed = 0;      // the moment of the first push, in seconds since 1970
    std::uint32_t records = 0;    // pushes that it stands for; a class message stands for none
    std::uint32_t fields = 0;     // of its parts
    std::uint32_t most_bytes = 0; // that they take when encoded
    std::uint32_t first_part = no_part;
    std::uint32_t last_part = no_part;
};

struct batch {
    std::vector<batch_entry> entries;
    std::vector<batch_part> parts;
    byte_buffer bodies;
    std::uint64_t records = 0;
    std::uint64_t class_messages = 0;

    std::string_view body_of(const batch_part& part) const noexcept {
        return bodies.view().substr(part.body_at, part.body_bytes);
    }
    std::string_view id_of(const batch_entry& entry) const noexcept {
        return bodies.view().substr(entry.id_at, entry.id_bytes);
    }
    bool is_empty() const noexcept { return entries.empty(); }
};

} // namespace monarc
