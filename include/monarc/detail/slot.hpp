#pragma once

/// The inline half of a push: values laid into a slot on the stack at offsets that fold into
/// constants, and the few functions of the library that take it from there.

#include <monarc/api.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/stats.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

namespace monarc::detail {

inline constexpr std::size_t slot_bytes = 192;
inline constexpr std::size_t slot_header_bytes = 32;
inline constexpr std::size_t slot_body_bytes = slot_bytes - slot_header_bytes;
inline constexpr std::size_t max_chain_slots = 16;
inline constexpr std::size_t max_record_bytes =
    slot_body_bytes + (max_chain_slots - 1) * slot_bytes;
inline constexpr std::size_t max_id_bytes = 1024;

/// "No time was given": the record's stamp says when it was pushed.
inline constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

/// The number under which fields with run-time keys travel; their body describes itself.
inline constexpr std::uint32_t record_shape = 1;

/// What crosses the queue. The header is written as whole words by the library; `body` holds the
/// 8-byte values, the 2-byte lengths of texts, the 1-byte booleans, the texts, and last the id. A
/// record that is longer goes on in further slots, whose 192 bytes are all body.
struct alignas(64) slot {
    std::uint64_t
        head; ///< shape number, bytes of body, bytes of id: 32, 16 and 16 bits from the lowest up
    std::uint64_t target; ///< the context's entry, 0 when the id stands in the body
    std::uint64_t stamp;  ///< when it was pushed, in ticks of the clock
    std::int64_t when;    ///< nanoseconds since 1970 given by the caller, or no_time
    unsigned char body[slot_body_bytes];
};
static_assert(sizeof(slot) == slot_bytes);

/// What the inline half reads of an exporter before it does anything else.
struct gate {
    std::atomic<bool> enabled{true};
};

struct context_entry;

/// Where a push goes: a context that was opened, or an id that comes with the push.
struct destination_of_push {
    gate* exporter;
    context_entry* context; ///< null when the id is given
    std::string_view id;
    std::int64_t when;
};

/// The hot calls. `body_bytes` of s.body and s.when are filled; the library adds the header and the
/// id.
MONARC_API bool
push_context(context_entry* to, slot& s, std::uint64_t shape, std::size_t body_bytes) noexcept;
MONARC_API bool push_id(
    gate* to,
    slot& s,
    std::uint64_t shape,
    std::size_t body_bytes,
    const char* id,
    std::size_t id_bytes) noexcept;

/// The cold call: a body that does not fit one slot comes in parts, the fixed one first, then the
/// texts.
MONARC_API bool push_parts(
    const destination_of_push& to,
    std::uint64_t shape,
    const std::string_view* parts,
    std::size_t count) noexcept;

/// Counts a push that cannot be made. Returns: false.
MONARC_API bool refuse(const destination_of_push& to, reason why) noexcept;

/// Copies a text. Ids and short texts inline: pieces that overlap in the middle, instead of a call
/// that first finds out the same.
[[gnu::always_inline]] inline void
copy_text(unsigned char* to, const char* from, std::size_t bytes) noexcept {
    const auto copy = [&]<std::size_t Piece>(std::size_t at) {
        std::memcpy(to + at, from + at, Piece);
    };
    if (bytes > 64) [[unlikely]] {
        std::memcpy(to, from, bytes);
    } else if (bytes >= 16) {
        copy.template operator()<16>(0);
        if (bytes > 32) {
            copy.template operator()<16>(16);
            copy.template operator()<16>(bytes - 32);
        }
        copy.template operator()<16>(bytes - 16);
    } else if (bytes >= 8) {
        copy.template operator()<8>(0);
        copy.template operator()<8>(bytes - 8);
    } else if (bytes >= 4) {
        copy.template operator()<4>(0);
        copy.template operator()<4>(bytes - 4);
    } else if (bytes != 0) {
        copy.template operator()<1>(0);
        copy.template operator()<1>(bytes / 2);
        copy.template operator()<1>(bytes - 1);
    }
}

/// Bytes in front of the texts: 8 a number, 2 a text, 1 a boolean.
template <class Field>
consteval std::size_t fixed_bytes() noexcept {
    switch (Field::type) {
    case value_type::null: return 0;
    case value_type::boolean: return 1;
    case value_type::text: return 2;
    default: return 8;
    }
}

/// Where the fixed part of field Index begins: all of width 8 first, then width 2, then width 1.
template <std::size_t Index, class... Fields>
consteval std::size_t fixed_offset() noexcept {
    constexpr std::size_t widths[] = {fixed_bytes<Fields>()..., 0};
    std::size_t offset = 0;
    for (std::size_t i = 0; i < sizeof...(Fields); ++i) {
        if (widths[i] > widths[Index] || (widths[i] == widths[Index] && i < Index)) {
            offset += widths[i];
        }
    }
    return offset;
}

template <class... Fields>
inline constexpr std::size_t fixed_total = (std::size_t{0} + ... + fixed_bytes<Fields>());
template <class... Fields>
inline constexpr std::size_t text_count =
    (std::size_t{0} + ... + static_cast<std::size_t>(Fields::type == value_type::text));

template <std::size_t Offset, class Field>
[[gnu::always_inline]] inline void lay_fixed(unsigned char* body, const Field& field) noexcept {
    if constexpr (Field::type == value_type::text) {
        const auto bytes = static_cast<std::uint16_t>(field.value.size());
        std::memcpy(body + Offset, &bytes, sizeof bytes);
    } else if constexpr (Field::type == value_type::boolean) {
        body[Offset] = static_cast<unsigned char>(field.value);
    } else if constexpr (Field::type != value_type::null) {
        std::memcpy(body + Offset, &field.value, sizeof field.value);
    }
}

template <class Field>
constexpr std::size_t text_bytes(const Field& field) noexcept {
    if constexpr (Field::type == value_type::text) {
        return field.value.size();
    } else {
        return 0;
    }
}

template <class Field>
[[gnu::always_inline]] inline void lay_text(unsigned char*& at, const Field& field) noexcept {
    if constexpr (Field::type == value_type::text) {
        copy_text(at, field.value.data(), field.value.size());
        at += field.value.size();
    }
}

template <std::size_t... Index, class... Fields>
[[gnu::always_inline]] inline void lay_all_fixed(
    [[maybe_unused]] unsigned char* body,
    std::index_sequence<Index...>,
    const Fields&... fields) noexcept {
    (lay_fixed<fixed_offset<Index, Fields...>()>(body, fields), ...);
}

/// The caller passes copies of its fields: if their address went out, all pushes would keep them in
/// memory.
template <class... Fields>
[[gnu::cold, gnu::noinline]] bool
push_long(const destination_of_push& to, std::uint64_t shape, const Fields&... fields) noexcept {
    unsigned char fixed[fixed_total<Fields...> + 1];
    lay_all_fixed(fixed, std::index_sequence_for<Fields...>{}, fields...);
    std::string_view parts[text_count<Fields...> + 1];
    parts[0] = {reinterpret_cast<const char*>(fixed), fixed_total<Fields...>};
    std::size_t count = 1;
    [[maybe_unused]] const auto add = [&](const auto& field) {
        if constexpr (std::remove_cvref_t<decltype(field)>::type == value_type::text) {
            parts[count++] = field.value;
        }
    };
    (add(fields), ...);
    return push_parts(to, shape, parts, count);
}

/// Lays the fields into `s`. Returns: false when they do not fit beside an id of id_bytes.
template <class... Fields>
[[gnu::always_inline]] inline bool
lay(slot& s, std::size_t id_bytes, std::size_t& body_bytes, const Fields&... fields) noexcept {
    constexpr auto fixed = fixed_total<Fields...>;
    if constexpr (text_count<Fields...> == 0) {
        if (fixed > slot_body_bytes || id_bytes > slot_body_bytes - fixed) [[unlikely]] {
            return false;
        }
        body_bytes = fixed;
    } else {
        const auto all = (fixed + ... + text_bytes(fields));
        if (all + id_bytes > slot_body_bytes) [[unlikely]] {
            return false;
        }
        body_bytes = all;
    }
    if constexpr (fixed <= slot_body_bytes) {
        lay_all_fixed(s.body, std::index_sequence_for<Fields...>{}, fields...);
        if constexpr (text_count<Fields...> != 0) {
            auto* at = s.body + fixed;
            (lay_text(at, fields), ...);
        }
    }
    return true;
}

} // namespace monarc::detail
