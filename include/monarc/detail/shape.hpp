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
#include <string_view>
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
};

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
template <class T>
concept field_value = std::same_as<T, std::nullptr_t> || std::same_as<T, bool> || whole_number<T> ||
    real_number<T> || text_like<T>;

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

/// The signature of a push: class length and class, then for each field its type, the length of its
/// key, its key. A class comes with the shape only if the id is given with the push; of a handle it
/// is empty.
///
/// Hidden, so that each shared object has a copy of its own and can be unloaded.
template <fixed_text Class, class... Fields>
struct __attribute__((visibility("hidden"))) shape_of {
    static constexpr std::size_t signature_bytes =
        1 + Class.view().size() + (std::size_t{0} + ... + (2 + Fields::name().size()));

    static constexpr std::array<char, signature_bytes> make_signature() noexcept {
        std::array<char, signature_bytes> text{};
        std::size_t at = 0;
        const auto put = [&](std::string_view part) {
            text[at++] = static_cast<char>(part.size());
            for (const char c : part) {
                text[at++] = c;
            }
        };
        put(Class.view());
        ((text[at++] = static_cast<char>(Fields::type), put(Fields::name())), ...);
        return text;
    }

    static constexpr std::array<char, signature_bytes> signature = make_signature();
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
