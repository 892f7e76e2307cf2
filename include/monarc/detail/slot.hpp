#pragma once

/// The inline half of a push: numbers laid into a slot on the stack at offsets that fold into
/// constants, texts listed where they are, and the few functions of the library that take it from
/// there.

#include <monarc/api.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/stats.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <tuple>
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

/// The number under which JSON texts travel; the body says where the text is.
inline constexpr std::uint32_t json_shape = 2;
inline constexpr std::uint32_t first_free_shape = 3;

inline constexpr std::size_t max_json_bytes = 256 * 1024;

/// What crosses the queue. The header is written as whole words by the library; `body` holds the
/// 8-byte values, the 2-byte lengths of texts, the 1-byte booleans, the texts, and last the id. A
/// record that is longer goes on in further slots, whose 192 bytes are all body. What an object or
/// array holds is laid like the fields beside it; an optional value is followed by a boolean; many
/// numbers are laid like a text.
struct alignas(64) slot {
    std::uint64_t head;   ///< shape number, bytes of the fixed part, of the body, of the id: 16
                          ///< bits each, from the lowest up
    std::uint64_t target; ///< the context's entry; 0 when the id stands in the body; odd when class
                          ///< and action (from bit 1 up) do not come with the shape
    std::uint64_t stamp;  ///< when it was pushed, in ticks of the clock
    std::int64_t when;    ///< nanoseconds since 1970 given by the caller, or no_time
    unsigned char body[slot_body_bytes];
};
static_assert(sizeof(slot) == slot_bytes);

constexpr std::uint64_t head_of(
    std::uint64_t shape,
    std::size_t fixed_bytes,
    std::size_t body_bytes,
    std::size_t id_bytes) noexcept {
    return shape | static_cast<std::uint64_t>(fixed_bytes) << 16 |
           static_cast<std::uint64_t>(body_bytes) << 32 |
           static_cast<std::uint64_t>(id_bytes) << 48;
}

/// What the inline half reads of an exporter before it does anything else.
struct gate {
    std::atomic<bool> enabled{true};
};

struct context_entry;

inline constexpr std::int32_t no_class_number = -1;

/// A number of a class has 16 bits; an action stands above them, over 0 if the class comes with the
/// shape.
inline constexpr int action_shift = 16;

/// Where a push goes: a context that was opened, or an id that comes with the push.
struct destination_of_push {
    gate* exporter;
    context_entry* context; ///< null when the id is given
    std::string_view id;
    std::int64_t when;
    std::int32_t class_number = no_class_number; ///< of a class, or an action, beside the shape
};

/// What a push with an id goes to if its class does not come with the shape, or if it has an
/// action.
struct gate_and_class {
    gate* exporter;
    std::uint32_t class_number;
};

/// What the inline half leaves on its stack: the fixed part of the body, and where text and id are.
struct alignas(64) laid_record {
    std::string_view text; ///< the first, or the only one; empty if there is none
    const char* id;        ///< null: the push goes through a handle
    std::int64_t when;
    unsigned char fixed[slot_body_bytes];
    const std::string_view* more_texts; ///< behind the first; of push_texts only
    std::size_t more_count;
};

/// The hot calls: through a handle without a text; with at most one; with any number. `head` says
/// how long all of it is; the library adds the time and copies what is in use.
MONARC_API bool push_numbers(context_entry* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool push_text(context_entry* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool push_texts(context_entry* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool push_text(gate* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool push_texts(gate* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool
push_text(const gate_and_class* to, const laid_record& r, std::uint64_t head) noexcept;
MONARC_API bool
push_texts(const gate_and_class* to, const laid_record& r, std::uint64_t head) noexcept;

/// The cold call: a body that does not fit one slot comes in parts, the fixed one first, then the
/// texts.
MONARC_API bool push_parts(
    const destination_of_push& to,
    std::uint64_t shape,
    const std::string_view* parts,
    std::size_t count) noexcept;

/// A JSON text, copied to the heap. `class_shape`: as record::push takes it.
MONARC_API bool
push_json(const destination_of_push& to, std::uint32_t class_shape, std::string_view text) noexcept;

/// Counts a push that cannot be made. Returns: false.
MONARC_API bool refuse(const destination_of_push& to, reason why) noexcept;

/// Copies a text. Ids and short texts inline: pieces that overlap in the middle, instead of a call
/// that first finds out the same.
[[gnu::always_inline]] inline void
copy_text(unsigned char* to, const char* from, std::size_t bytes) noexcept {
    const auto copy = [&]<std::size_t Piece>(std::size_t at) {
        std::memcpy(to + at, from + at, Piece);
    };
    if (bytes < 16) {
        if (bytes >= 8) {
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
    } else if (bytes <= 64) [[likely]] {
        copy.template operator()<16>(0);
        if (bytes > 32) {
            copy.template operator()<16>(16);
            copy.template operator()<16>(bytes - 32);
        }
        copy.template operator()<16>(bytes - 16);
    } else {
        std::memcpy(to, from, bytes);
    }
}

/// A field is laid as one piece, or as several: an optional value as itself and a boolean, an
/// object or array as what it holds.
template <class Field>
inline constexpr bool is_one_piece = !Field::is_optional && !has_members(Field::type);

template <class Field>
[[gnu::always_inline]] constexpr auto pieces_of(const Field& field) noexcept {
    using value = decltype(field.value);
    if constexpr (has_members(Field::type)) {
        return std::apply(
            [](const auto&... members) { return std::tuple_cat(pieces_of(members)...); },
            field.value);
    } else if constexpr (Field::is_optional) {
        return std::tuple(
            element<Field::type, value>{field.value},
            element<value_type::boolean, bool>{field.is_there});
    } else {
        return std::tuple(element<Field::type, value>{field.value});
    }
}

/// Bytes of a piece in front of the texts: 8 a number, 2 a text, 1 a boolean.
template <class Field>
consteval std::size_t fixed_bytes() noexcept {
    if (has_bytes(Field::type)) {
        return 2;
    }
    switch (Field::type) {
    case value_type::null: return 0;
    case value_type::boolean: return 1;
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

/// Bytes in front of the texts, whole words.
template <class... Fields>
inline constexpr std::size_t fixed_total = ((std::size_t{0} + ... + fixed_bytes<Fields>()) + 7) /
                                           8 * 8;
template <class... Fields>
inline constexpr std::size_t
    text_count = (std::size_t{0} + ... + static_cast<std::size_t>(has_bytes(Fields::type)));

template <class... Pieces>
consteval std::size_t fixed_total_of(std::type_identity<std::tuple<Pieces...>>) noexcept {
    return fixed_total<Pieces...>;
}
/// The same of fields that may be several pieces each.
template <class... Fields>
inline constexpr std::size_t fixed_total_of_fields = fixed_total_of(
    std::type_identity<decltype(std::tuple_cat(pieces_of(std::declval<const Fields&>())...))>{});

/// The fixed part of a field, widened.
template <class Field>
[[gnu::always_inline]] inline std::uint64_t fixed_word(const Field& field) noexcept {
    if constexpr (has_bytes(Field::type)) {
        return static_cast<std::uint16_t>(field.value.size());
    } else if constexpr (Field::type == value_type::boolean) {
        return field.value ? 1 : 0;
    } else if constexpr (Field::type == value_type::null) {
        return 0;
    } else {
        std::uint64_t word = 0;
        std::memcpy(&word, &field.value, sizeof word);
        return word;
    }
}

/// Fields whose fixed part lies in the word at Offset, put together.
template <std::size_t Offset, std::size_t... Index, class... Fields>
[[gnu::always_inline]] inline std::uint64_t
word_at(std::index_sequence<Index...>, const Fields&... fields) noexcept {
    std::uint64_t word = 0;
    [[maybe_unused]] const auto add = [&]<std::size_t At>(const auto& field) {
        using field_type = std::remove_cvref_t<decltype(field)>;
        if constexpr (At / 8 * 8 == Offset && fixed_bytes<field_type>() != 0) {
            word |= fixed_word(field) << (At % 8 * 8);
        }
    };
    (add.template operator()<fixed_offset<Index, Fields...>()>(fields), ...);
    return word;
}

template <class Field>
constexpr std::size_t text_bytes(const Field& field) noexcept {
    if constexpr (has_bytes(Field::type)) {
        return field.value.size();
    } else {
        return 0;
    }
}

/// Lays the fixed parts. Word by word: the library loads words, and a load of
/// what two stores wrote has to wait for both.
template <class... Fields>
[[gnu::always_inline]] inline void
lay_fixed([[maybe_unused]] unsigned char* to, const Fields&... fields) noexcept {
    static_assert(std::endian::native == std::endian::little);
    [&]<std::size_t... Word>(std::index_sequence<Word...>) {
        [[maybe_unused]] const auto put = [&](std::size_t at, std::uint64_t word) {
            std::memcpy(to + at, &word, sizeof word);
        };
        (put(Word * 8, word_at<Word * 8>(std::index_sequence_for<Fields...>{}, fields...)), ...);
    }
    (std::make_index_sequence<fixed_total<Fields...> / 8>{});
}

/// The values of the texts among the fields, in their order.
template <class... Fields>
[[gnu::always_inline]] inline std::array<std::string_view, text_count<Fields...>>
texts_of(const Fields&... fields) noexcept {
    std::array<std::string_view, text_count<Fields...>> texts;
    [[maybe_unused]] std::size_t count = 0;
    [[maybe_unused]] const auto add = [&](const auto& field) {
        if constexpr (has_bytes(std::remove_cvref_t<decltype(field)>::type)) {
            texts[count++] = field.value;
        }
    };
    (add(fields), ...);
    return texts;
}

/// The caller passes copies of its fields: if their address went out, all pushes would keep them in
/// memory.
template <class... Fields>
[[gnu::cold, gnu::noinline]] bool
push_long(const destination_of_push& to, std::uint64_t shape, const Fields&... fields) noexcept {
    unsigned char fixed[fixed_total<Fields...> + 1];
    lay_fixed(fixed, fields...);
    std::array<std::string_view, text_count<Fields...> + 1> parts;
    parts[0] = {reinterpret_cast<const char*>(fixed), fixed_total<Fields...>};
    const auto texts = texts_of(fields...);
    std::copy(texts.begin(), texts.end(), parts.begin() + 1);
    return push_parts(to, shape, parts.data(), parts.size());
}

/// The rest of a push. `Target` is context_entry, or gate or gate_and_class if an id comes with the
/// push.
template <class Target, class... Fields>
[[gnu::always_inline]] inline bool push_pieces(
    Target* target,
    const destination_of_push& to,
    std::uint64_t shape,
    const Fields&... fields) noexcept {
    constexpr bool has_id = !std::same_as<Target, context_entry>;
    constexpr auto fixed = fixed_total<Fields...>;
    const auto body_bytes = (fixed + ... + text_bytes(fields));
    if (fixed > slot_body_bytes || body_bytes + to.id.size() > slot_body_bytes) [[unlikely]] {
        return push_long(destination_of_push(to), shape, Fields(fields)...);
    }
    laid_record r;
    r.when = to.when;
    if constexpr (fixed <= slot_body_bytes) {
        lay_fixed(r.fixed, fields...);
    }
    const auto head = head_of(shape, fixed, body_bytes, to.id.size());
    const auto texts = texts_of(fields...);
    if constexpr (texts.size() == 0 && !has_id) {
        return push_numbers(target, r, head);
    } else {
        r.text = texts.size() != 0 ? texts.front() : std::string_view();
        r.id = to.id.data();
        if constexpr (texts.size() <= 1) {
            return push_text(target, r, head);
        } else {
            r.more_texts = texts.data() + 1;
            r.more_count = texts.size() - 1;
            return push_texts(target, r, head);
        }
    }
}

template <class Target, class... Fields>
[[gnu::always_inline]] inline bool push_fields(
    Target* target,
    const destination_of_push& to,
    std::uint64_t shape,
    const Fields&... fields) noexcept {
    if constexpr ((is_one_piece<Fields> && ...)) {
        return push_pieces(target, to, shape, fields...);
    } else {
        return std::apply(
            [&](const auto&... pieces) { return push_pieces(target, to, shape, pieces...); },
            std::tuple_cat(pieces_of(fields)...));
    }
}

} // namespace monarc::detail
