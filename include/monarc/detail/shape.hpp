#pragma once

/// The constant part of a push: class, key names, value types and their order, as one constant text
/// that is interned once per process. Everything here is known to the compiler; at run time a push
/// loads one number.

#include <monarc/api.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace monarc::detail {

/// A text that can be a template argument. Holds its terminating zero, which `view` leaves out.
template <std::size_t N>
struct fixed_text {
    char bytes[N]{};

    consteval fixed_text(const char (&text)[N]) { std::copy_n(text, N, bytes); }
    constexpr std::string_view view() const noexcept { return {bytes, N - 1}; }
    friend constexpr bool operator==(const fixed_text&, const fixed_text&) = default;
};

inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::string_view reserved_prefix = "MONA_";

/// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
constexpr bool is_utf8(std::string_view text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        std::size_t more = 0;
        unsigned char low = 0x80;
        unsigned char high = 0xbf;
        if (lead < 0x80) {
            ++i;
            continue;
        }
        if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            low = lead == 0xe0 ? 0xa0 : 0x80;
            high = lead == 0xed ? 0x9f : 0xbf;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            low = lead == 0xf0 ? 0x90 : 0x80;
            high = lead == 0xf4 ? 0x8f : 0xbf;
        } else {
            return false;
        }
        if (i + more >= text.size()) {
            return false;
        }
        for (std::size_t k = 1; k <= more; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if (next < low || next > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
        i += more + 1;
    }
    return true;
}

/// How a value crosses the queue; the letters stand in a shape's signature.
enum class value_type : char {
    null = 'n',
    boolean = 'b',
    integer = 'i', ///< 64 bits, signed
    natural = 'u', ///< 64 bits, unsigned
    real = 'd',    ///< binary64
    text = 's',
    reals = 'D',    ///< the bytes of many binary64
    floats = 'F',   ///< of many binary32
    integers = 'I', ///< of many 64-bit integers
    json = 'j',     ///< a text that is JSON
    object = '{',
    array = '[',
    packed = 'p', ///< MessagePack; the I/O thread's, in no signature
};

/// In front of a type in a signature: the value may be missing. Behind the last element of an
/// object or array: its end.
inline constexpr char optional_mark = '?';
inline constexpr char end_mark = '}';

/// Levels of objects and arrays in a record, the record itself included: readers of MessagePack
/// stop at 16, and up to four stand around a record.
inline constexpr std::size_t max_levels = 12;

/// Crosses as a length and bytes.
constexpr bool has_bytes(value_type type) noexcept {
    switch (type) {
    case value_type::text:
    case value_type::reals:
    case value_type::floats:
    case value_type::integers:
    case value_type::json: return true;
    default: return false;
    }
}
constexpr bool has_members(value_type type) noexcept {
    return type == value_type::object || type == value_type::array;
}

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept whole_number =
    std::integral<T> && !character<T> && !std::same_as<T, bool> && sizeof(T) <= 8;
template <class T>
concept real_number = std::same_as<T, float> || std::same_as<T, double>;
template <class T>
concept text_like = std::convertible_to<const T&, std::string_view> || std::same_as<T, char*> ||
    std::same_as<T, const char*>;

/// What stands in a record as it is, whatever its keys are.
template <class T>
concept field_value = std::same_as<T, std::nullptr_t> || std::same_as<T, bool> || whole_number<T> ||
    real_number<T> || text_like<T>;

template <class T, class Number>
concept sequence_of = std::convertible_to<const T&, std::span<const Number>>;
template <class T>
concept number_sequence = !field_value<T> && (sequence_of<T, double> || sequence_of<T, float> ||
                                              sequence_of<T, std::int64_t>);

template <field_value T>
consteval value_type type_of() noexcept {
    if constexpr (std::same_as<T, std::nullptr_t>) {
        return value_type::null;
    } else if constexpr (std::same_as<T, bool>) {
        return value_type::boolean;
    } else if constexpr (whole_number<T>) {
        return std::signed_integral<T> ? value_type::integer : value_type::natural;
    } else if constexpr (real_number<T>) {
        return value_type::real;
    } else {
        return value_type::text;
    }
}

/// What a field holds of its value: the value itself, widened to the form it crosses the queue in;
/// of a text a view.
template <field_value T>
constexpr auto stored(const T& value) noexcept {
    constexpr auto type = type_of<T>();
    if constexpr (type == value_type::null || type == value_type::boolean) {
        return value;
    } else if constexpr (type == value_type::integer) {
        return static_cast<std::int64_t>(value);
    } else if constexpr (type == value_type::natural) {
        return static_cast<std::uint64_t>(value);
    } else if constexpr (type == value_type::real) {
        return static_cast<double>(value);
    } else if constexpr (std::is_pointer_v<T>) {
        return value != nullptr ? std::string_view(value) : std::string_view();
    } else {
        return static_cast<std::string_view>(value);
    }
}

/// Interns a signature and stores its number; called once per shape and shared object.
/// Returns: the number, 0 when 65 535 shapes or keys are taken.
/// Cost:    a lock and an allocation.
MONARC_API std::uint32_t
intern_shape(std::atomic<std::uint32_t>& number, const char* signature, std::size_t bytes) noexcept;

/// A value without a key; of an optional one, `is_there` says whether it counts.
template <value_type Type, class Value, bool IsOptional = false>
struct element {
    static constexpr value_type type = Type;
    static constexpr bool is_optional = IsOptional;

    Value value;
    bool is_there = true;
};

/// A key, if it has one, in a signature.
template <class Field>
consteval std::size_t key_signature_bytes() noexcept {
    if constexpr (requires { Field::name(); }) {
        return 1 + Field::name().size();
    } else {
        return 0;
    }
}

template <class Field>
consteval std::size_t signature_bytes() noexcept;
template <class... Members>
consteval std::size_t signature_bytes_of(std::type_identity<std::tuple<Members...>>) noexcept {
    return (std::size_t{1} + ... + signature_bytes<Members>());
}

/// Its type, the length of its key and its key; of an object or array its members and an end.
template <class Field>
consteval std::size_t signature_bytes() noexcept {
    auto bytes = 1 + (Field::is_optional ? 1 : 0) + key_signature_bytes<Field>();
    if constexpr (has_members(Field::type)) {
        bytes += signature_bytes_of(std::type_identity<decltype(Field::value)>{});
    }
    return bytes;
}

constexpr char* put_name(char* at, std::string_view name) noexcept {
    *at++ = static_cast<char>(name.size());
    return std::copy(name.begin(), name.end(), at);
}

template <class Field>
constexpr char* put_signature(char* at) noexcept;
template <class... Members>
constexpr char* put_members(char* at, std::type_identity<std::tuple<Members...>>) noexcept {
    ((at = put_signature<Members>(at)), ...);
    *at++ = end_mark;
    return at;
}

template <class Field>
constexpr char* put_signature(char* at) noexcept {
    if constexpr (Field::is_optional) {
        *at++ = optional_mark;
    }
    *at++ = static_cast<char>(Field::type);
    if constexpr (requires { Field::name(); }) {
        at = put_name(at, Field::name());
    }
    if constexpr (has_members(Field::type)) {
        at = put_members(at, std::type_identity<decltype(Field::value)>{});
    }
    return at;
}

/// The signature of a push: class length and class, then its fields. A class comes with the shape
/// only if the id is given with the push and the class is known to the compiler.
///
/// Hidden, so that each shared object has a copy of its own and can be unloaded.
template <fixed_text Class, class... Fields>
struct __attribute__((visibility("hidden"))) shape_of {
    static constexpr std::size_t bytes =
        1 + Class.view().size() + (std::size_t{0} + ... + signature_bytes<Fields>());

    static constexpr std::array<char, bytes> make_signature() noexcept {
        std::array<char, bytes> text{};
        [[maybe_unused]] char* at = put_name(text.data(), Class.view());
        ((at = put_signature<Fields>(at)), ...);
        return text;
    }

    static constexpr std::array<char, bytes> signature = make_signature();
    static constinit inline std::atomic<std::uint32_t> number{0};

    [[gnu::cold, gnu::noinline]] static std::uint32_t intern() noexcept {
        return intern_shape(number, signature.data(), signature.size());
    }

    /// 0 when there is no number left. The acquire load is a plain one on x86.
    static std::uint32_t load() noexcept {
        const auto known = number.load(std::memory_order_acquire);
        return known != 0 ? known : intern();
    }
};

} // namespace monarc::detail
