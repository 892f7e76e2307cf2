#pragma once

// Walks the fields in the body of a record, whatever form it crossed the queue in.

#include "core/names.hpp"

#include <monarc/detail/slot.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace monarc {

struct field_view {
    key_number key;
    detail::value_type type;
    std::uint64_t word = 0; // boolean, integer, natural; the bits of a real
    std::string_view text;

    double real() const noexcept { return std::bit_cast<double>(word); }
};

template <class Value>
Value load_unaligned(const char* from) noexcept {
    Value value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// The body of a shape: fixed parts at known offsets, then the texts in the order of their fields.
template <class Visit>
void visit_shape(const shape& s, std::string_view body, Visit&& visit) {
    std::size_t text_at = s.fixed_bytes;
    for (const auto& field : s.fields) {
        field_view view{.key = field.key, .type = field.type, .word = 0, .text = {}};
        const char* const at = body.data() + field.offset;
        switch (field.type) {
        case detail::value_type::null: break;
        case detail::value_type::boolean: view.word = static_cast<unsigned char>(*at); break;
        case detail::value_type::text: {
            const std::size_t bytes = load_unaligned<std::uint16_t>(at);
            view.text = body.substr(text_at, bytes);
            text_at += bytes;
            break;
        }
        default: view.word = load_unaligned<std::uint64_t>(at);
        }
        visit(view);
    }
}

// A body that describes itself: key number (16 bits), type (8 bits), then 8 bytes, 1 byte, none, or
// a 16-bit length and a text.
template <class Visit>
void visit_self_described(std::string_view body, Visit&& visit) {
    const char* at = body.data();
    const char* const end = at + body.size();
    while (at != end) {
        field_view view{
            .key = load_unaligned<key_number>(at),
            .type = static_cast<detail::value_type>(at[2]),
            .word = 0,
            .text = {}};
        at += 3;
        switch (view.type) {
        case detail::value_type::null: break;
        case detail::value_type::boolean: view.word = static_cast<unsigned char>(*at++); break;
        case detail::value_type::text: {
            const std::size_t bytes = load_unaligned<std::uint16_t>(at);
            view.text = {at + 2, bytes};
            at += 2 + bytes;
            break;
        }
        default: view.word = load_unaligned<std::uint64_t>(at); at += 8;
        }
        visit(view);
    }
}

// Appends one field in the self-described form.
template <class Bytes>
void append_self_described(
    Bytes& to, key_number key, detail::value_type type, const void* value, std::size_t bytes) {
    const auto put = [&](const void* from, std::size_t count) {
        const auto* const first = static_cast<const char*>(from);
        to.insert(to.end(), first, first + count);
    };
    put(&key, sizeof key);
    put(&type, 1);
    if (type == detail::value_type::text) {
        const auto length = static_cast<std::uint16_t>(bytes);
        put(&length, sizeof length);
    }
    if (bytes != 0) {
        put(value, bytes);
    }
}

} // namespace monarc
