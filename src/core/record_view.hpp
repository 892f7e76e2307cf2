#pragma once

// A record as it comes off the queue: bytes that somebody else owns.

#include "core/names.hpp"

#include <monarc/detail/slot.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace monarc {

// What a JSON text was found to hold; the body then holds the fields that are left, in the
// self-described form, no key twice and none reserved.
struct json_facts {
    std::uint32_t class_shape = 0; // the shape that is only a class
    std::uint64_t fields = 0;      // as they stand in the text
    std::uint64_t repeated = 0;    // keys that stood there before
    std::uint64_t stripped = 0;
    bool is_repaired = false; // bytes became U+FFFD

    // Of what pipeline/rest_access.hpp hands over.
    std::size_t members_bytes = 0; // in front of the fields: JSON, members beside `message`
    std::string_view members{};
    std::optional<bool> drops_nulls{};

    // Of what the functions of mona_client hand over; in whole seconds since 1970.
    bool has_times = false;
    bool stands_alone = false; // is merged with nothing, and nothing is merged across it
    std::int64_t pushed = 0;
    std::int64_t seconds = 0; // what export_timestamp says
};

struct record_view {
    std::uint32_t shape;
    std::uint32_t id_hash = 0;          // hash_of_id(id); 0: nobody has taken it yet
    std::uint64_t stamp;                // ticks
    std::int64_t when;                  // nanoseconds since 1970, or detail::no_time
    detail::context_entry* context;     // null: the id is in `id`
    std::uint32_t class_and_action = 0; // of an id: what does not come with the shape
    std::string_view body;
    std::string_view id;
    const json_facts* json = nullptr; // of detail::json_shape, once the text was read

    // key_without_room: it comes with the shape, or with the context.
    key_number class_name() const noexcept { return static_cast<key_number>(class_and_action); }
    // A monarc::action; 0: none.
    std::uint32_t action() const noexcept { return class_and_action >> detail::action_shift; }
};

// Whose record it is: one of both is not 0.
struct record_of {
    std::uint32_t id_hash;
    detail::context_entry* context;
};

// The first word of a slot (detail::slot::head).
constexpr std::uint32_t shape_of_head(std::uint64_t head) noexcept {
    return head & 0xffff;
}
constexpr std::size_t fixed_bytes_of(std::uint64_t head) noexcept {
    return head >> 16 & 0xffff;
}
constexpr std::size_t body_bytes_of(std::uint64_t head) noexcept {
    return head >> 32 & 0xffff;
}
constexpr std::size_t id_bytes_of(std::uint64_t head) noexcept {
    return head >> 48;
}
constexpr std::size_t content_bytes_of(std::uint64_t head) noexcept {
    return body_bytes_of(head) + id_bytes_of(head);
}

// What a slot says about where it goes (detail::slot::target). Contexts lie at even addresses.
inline std::uint64_t target_of(const detail::context_entry* context) noexcept {
    return reinterpret_cast<std::uint64_t>(context);
}
constexpr std::uint64_t target_of(std::uint32_t class_and_action) noexcept {
    return std::uint64_t{class_and_action} << 1 | 1;
}
inline detail::context_entry* context_of_target(std::uint64_t target) noexcept {
    return reinterpret_cast<detail::context_entry*>((target & 1) != 0 ? 0 : target);
}
constexpr std::uint32_t class_and_action_of_target(std::uint64_t target) noexcept {
    return (target & 1) != 0 ? static_cast<std::uint32_t>(target >> 1) : 0;
}

// Multiplies pairs of words, the last ones overlapping what is in front of them, so that no pair
// waits for another; ids of one process need no more than that two seldom meet. Never 0.
inline std::uint32_t hash_of_id(std::string_view id) noexcept {
    __extension__ using wide = unsigned __int128;
    constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15u; // 2^64 over the golden ratio
    constexpr std::uint64_t other = 0xd1b5'4a32'd192'ed03u;
    const auto size = id.size();
    const auto word_at = [&](std::size_t at, std::size_t bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, id.data() + at, bytes);
        return word;
    };
    const auto product = [](std::uint64_t a, std::uint64_t b) {
        const auto both = wide{a} * b;
        return static_cast<std::uint64_t>(both) ^ static_cast<std::uint64_t>(both >> 64);
    };
    std::uint64_t hash = size;
    if (size >= 16) {
        for (std::size_t at = 0; at + 16 < size; at += 16) {
            hash = std::rotl(hash ^ product(word_at(at, 8) ^ odd, word_at(at + 8, 8) ^ other), 29);
        }
        hash ^= product(word_at(size - 16, 8) ^ odd, word_at(size - 8, 8) ^ other);
    } else if (size >= 8) {
        hash ^= product(word_at(0, 8) ^ odd, word_at(size - 8, 8) ^ other);
    } else if (size != 0) {
        hash ^= word_at(0, size);
    }
    const auto low = static_cast<std::uint32_t>(product(hash ^ odd, other));
    return low != 0 ? low : 1;
}

// The same, not taken apart yet: the head of a slot with body and id behind it, in one piece and
// anywhere in memory.
class queued_record {
public:
    explicit queued_record(const void* at) noexcept : at_(static_cast<const char*>(at)) {}

    std::uint64_t stamp() const noexcept {
        return word<std::uint64_t>(offsetof(detail::slot, stamp));
    }
    std::size_t content_bytes() const noexcept { return content_bytes_of(head()); }
    std::string_view bytes() const noexcept {
        return {at_, detail::slot_header_bytes + content_bytes()};
    }
    record_view view() const noexcept {
        const auto body_bytes = body_bytes_of(head());
        const auto target = word<std::uint64_t>(offsetof(detail::slot, target));
        const char* const content = at_ + detail::slot_header_bytes;
        return {
            .shape = shape_of_head(head()),
            .stamp = stamp(),
            .when = word<std::int64_t>(offsetof(detail::slot, when)),
            .context = context_of_target(target),
            .class_and_action = class_and_action_of_target(target),
            .body = {content, body_bytes},
            .id = {content + body_bytes, id_bytes_of(head())}};
    }

private:
    std::uint64_t head() const noexcept {
        return word<std::uint64_t>(offsetof(detail::slot, head));
    }
    template <class Word>
    Word word(std::size_t offset) const noexcept {
        Word w;
        std::memcpy(&w, at_ + offset, sizeof w);
        return w;
    }

    const char* at_;
};

} // namespace monarc
