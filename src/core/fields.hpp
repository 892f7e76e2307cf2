#pragma once

// Walks the fields in the body of a record, whatever form it crossed the queue in.

#include "core/names.hpp"

#include <monarc/detail/slot.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace monarc {

struct field_view {
    key_number key = key_without_room; // then `name` says it
    detail::value_type type{};         // null where an optional value is missing
    std::uint64_t word = 0;            // boolean, integer, natural; the bits of a real
    std::string_view text;             // text, packed; the bytes of many numbers
    std::string_view name{};

    // Of a shape: where it stands, and where the texts of what is in it begin.
    std::size_t index = 0;
    std::size_t text_at = 0;

    double real() const noexcept { return std::bit_cast<double>(word); }
};

template <class Value>
Value load_unaligned(const char* from) noexcept {
    Value value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// The value of a field that is no object or array; `text_at` goes on behind its text. A json() is
// what the I/O thread has made of its text: MessagePack, or nothing if it was no JSON.
inline field_view
view_of_value(const shape_field& field, std::string_view body, std::size_t& text_at) noexcept {
    field_view view{.key = field.key, .type = field.type, .text = {}, .text_at = text_at};
    const char* const at = body.data() + field.offset;
    if (detail::has_bytes(field.type)) {
        const std::size_t bytes = load_unaligned<std::uint16_t>(at);
        view.text = body.substr(text_at, bytes);
        text_at += bytes;
        if (field.type == detail::value_type::json) {
            view.type = detail::value_type::packed;
        }
    } else if (field.type == detail::value_type::boolean) {
        view.word = static_cast<unsigned char>(*at);
    } else if (field.type != detail::value_type::null) {
        view.word = load_unaligned<std::uint64_t>(at);
    }
    if (field.is_optional && body[field.flag_offset] == 0) {
        view.type = detail::value_type::null;
    }
    return view;
}

// A json() whose text was no JSON: as if it had not been pushed.
inline bool is_lost(const shape_field& field, const field_view& view) noexcept {
    return field.type == detail::value_type::json && view.text.empty();
}

// Bytes of the texts that stand in an object or array.
inline std::size_t
text_bytes_inside(const shape& s, std::size_t index, std::string_view body) noexcept {
    std::size_t bytes = 0;
    for (auto i = index + 1; i <= index + s.fields[index].inside; ++i) {
        if (detail::has_bytes(s.fields[i].type)) {
            bytes += load_unaligned<std::uint16_t>(body.data() + s.fields[i].offset);
        }
    }
    return bytes;
}

// The fields of the record itself; of an object or array only that it is there. The body of a
// shape: fixed parts at known offsets, then the texts in the order of their fields.
template <class Visit>
void visit_shape(const shape& s, std::string_view body, Visit&& visit) {
    std::size_t text_at = s.fixed_bytes;
    for (std::size_t i = 0; i < s.fields.size(); i += 1u + s.fields[i].inside) {
        const auto& field = s.fields[i];
        field_view view;
        if (detail::has_members(field.type)) {
            view = {.key = field.key, .type = field.type, .text = {}, .text_at = text_at};
            text_at += text_bytes_inside(s, i, body);
        } else {
            view = view_of_value(field, body, text_at);
            if (is_lost(field, view)) {
                continue;
            }
        }
        view.index = i;
        visit(view);
    }
}

// A body that describes itself: key number (16 bits), type (8 bits); of a key without a number a
// 32-bit length and its text; then 8 bytes, 1 byte, none, or a 32-bit length and bytes.
template <class Visit>
void visit_self_described(std::string_view body, Visit&& visit) {
    const char* at = body.data();
    const char* const end = at + body.size();
    const auto take_bytes = [&] {
        const std::size_t bytes = load_unaligned<std::uint32_t>(at);
        const std::string_view taken(at + sizeof(std::uint32_t), bytes);
        at += sizeof(std::uint32_t) + bytes;
        return taken;
    };
    while (at != end) {
        field_view view{
            .key = load_unaligned<key_number>(at),
            .type = static_cast<detail::value_type>(at[2]),
            .text = {}};
        at += 3;
        if (view.key == key_without_room) {
            view.name = take_bytes();
        }
        switch (view.type) {
        case detail::value_type::null: break;
        case detail::value_type::boolean: view.word = static_cast<unsigned char>(*at++); break;
        case detail::value_type::text:
        case detail::value_type::packed: view.text = take_bytes(); break;
        default: view.word = load_unaligned<std::uint64_t>(at); at += 8;
        }
        visit(view);
    }
}

// Of a record as it comes off the queue, any JSON in it read: the fields of the record itself that
// are null, a boolean, a number or a text. `s`: shape_of_number(number).
template <class Visit>
void visit_plain_fields(
    std::uint32_t number, const shape& s, std::string_view body, Visit&& visit) {
    const auto visit_if_plain = [&](const field_view& field) {
        switch (field.type) {
        case detail::value_type::null:
        case detail::value_type::boolean:
        case detail::value_type::integer:
        case detail::value_type::natural:
        case detail::value_type::real:
        case detail::value_type::text: visit(field); break;
        default: break;
        }
    };
    if (number == detail::record_shape) { // behind the shape that is only a class
        visit_self_described(body.substr(sizeof(std::uint32_t)), visit_if_plain);
    } else if (number == detail::json_shape) {
        visit_self_described(body, visit_if_plain);
    } else {
        visit_shape(s, body, visit_if_plain);
    }
}

// Appends one field in the self-described form. `name`: of a key without a number.
template <class Bytes>
void append_self_described(
    Bytes& to,
    key_number key,
    detail::value_type type,
    const void* value,
    std::size_t bytes,
    std::string_view name = {}) {
    // Gathered, because each insertion costs more than what it copies here.
    std::array<char, 24> gathered;
    std::size_t count = 0;
    const auto gather = [&](const void* from, std::size_t size) {
        std::memcpy(gathered.data() + count, from, size);
        count += size;
    };
    const auto gather_length = [&](std::size_t size) {
        const auto length = static_cast<std::uint32_t>(size);
        gather(&length, sizeof length);
    };
    const auto insert = [&](const char* from, std::size_t size) {
        to.insert(to.end(), from, from + size);
    };
    gather(&key, sizeof key);
    gather(&type, 1);
    if (key == key_without_room) {
        gather_length(name.size());
        insert(gathered.data(), std::exchange(count, 0));
        insert(name.data(), name.size());
    }
    if (type == detail::value_type::text || type == detail::value_type::packed) {
        gather_length(bytes);
    }
    if (bytes != 0 && bytes <= sizeof(std::uint64_t)) {
        gather(value, bytes);
        bytes = 0;
    }
    insert(gathered.data(), count);
    if (bytes != 0) {
        insert(static_cast<const char*>(value), bytes);
    }
}

// Of a field whose key has a number: bytes beside those of its value.
inline constexpr std::size_t most_self_described_head = 7;

} // namespace monarc
