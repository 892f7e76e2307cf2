#pragma once

/// Keys and fields: names the compiler knows ("name"_key, "name"_class), and names known only at
/// run time (key, record).

#include <monarc/api.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace monarc {

/// A key with its value, made by `"name"_key = value`. It lives for one call: of a text it holds
/// only a view.
template <detail::fixed_text Name, detail::value_type Type, class Value>
struct field {
    static constexpr detail::value_type type = Type;
    static constexpr std::string_view name() noexcept { return Name.view(); }

    Value value;
};

namespace detail {

template <class T>
struct is_field : std::false_type {};
template <fixed_text Name, value_type Type, class Value>
struct is_field<field<Name, Type, Value>> : std::true_type {};

template <class T>
consteval void explain_value() {
    static_assert(
        !character<T>,
        "a character is neither text nor a number; write std::string_view(&c, 1) or int(c)");
    static_assert(
        !std::is_enum_v<T>,
        "an enumerator has no value of its own; pass its name or std::to_underlying(e)");
    static_assert(
        character<T> || std::is_enum_v<T> || field_value<T>,
        "a field takes null, bool, integers up to 64 bits, float, double, text");
}

template <fixed_text Name>
consteval void explain_name() {
    static_assert(
        !Name.view().starts_with(reserved_prefix),
        "keys that begin with MONA_ belong to Mona and would be stripped");
    static_assert(Name.view().size() <= max_name_bytes, "a name has at most 255 bytes");
    static_assert(is_utf8(Name.view()), "a name is UTF-8");
}

template <class... Fields>
consteval bool has_same_key_twice() {
    constexpr std::size_t count = sizeof...(Fields);
    const std::string_view names[count + 1] = {Fields::name()...};
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = i + 1; k < count; ++k) {
            if (names[i] == names[k]) {
                return true;
            }
        }
    }
    return false;
}

template <class... Fields>
consteval void explain_fields() {
    static_assert(
        ((!std::is_lvalue_reference_v<Fields> ||
          std::remove_cvref_t<Fields>::type != value_type::text) &&
         ...),
        "write text fields inside the call: a field only points at its text");
    static_assert(
        !has_same_key_twice<std::remove_cvref_t<Fields>...>(), "the same key twice in one push");
    static_assert(
        fixed_total<std::remove_cvref_t<Fields>...> <= max_record_bytes,
        "more fields than one record holds");
}

} // namespace detail

template <class T>
concept field_like = detail::is_field<std::remove_cvref_t<T>>::value;

/// A key known at compile time. Empty; prepare it once or write it in place.
/// Fails:   to compile if the name begins with MONA_, is longer than 255 bytes or is not UTF-8.
template <detail::fixed_text Name>
struct key_literal {
    /// A field; lives for one call.
    template <class T>
    constexpr auto operator=(const T& value) const noexcept {
        using plain = std::decay_t<const T>;
        detail::explain_value<plain>();
        if constexpr (detail::field_value<plain>) {
            const plain& decayed = value;
            const auto kept = detail::stored<plain>(decayed);
            return field<Name, detail::type_of<plain>(), std::remove_const_t<decltype(kept)>>{kept};
        } else {
            return field<Name, detail::value_type::null, std::nullptr_t>{nullptr};
        }
    }
};

/// Where a push goes when the id comes with it: a class and the id of one run. The id is copied by
/// the push. Range:   an id has at most 1024 bytes, else the push is rejected(oversize).
template <detail::fixed_text Class>
struct run_target {
    std::string_view id;
    std::int64_t when = detail::no_time;

    /// The same run with a time of its own instead of the moment of the push. Sent in whole
    /// seconds.
    constexpr run_target at(std::chrono::system_clock::time_point time) const noexcept {
        return {
            id,
            std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count()};
    }

    static constexpr detail::fixed_text class_name = Class;
    constexpr std::string_view text() const noexcept { return id; }
};

/// The same with a number for an id, sent as decimal text.
template <detail::fixed_text Class>
struct numbered_run_target {
    char digits[20];
    std::uint8_t count;
    std::int64_t when = detail::no_time;

    constexpr numbered_run_target at(std::chrono::system_clock::time_point time) const noexcept {
        auto copy = *this;
        copy.when =
            std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
        return copy;
    }

    static constexpr detail::fixed_text class_name = Class;
    constexpr std::string_view text() const noexcept { return {digits, count}; }
};

/// A class known at compile time; `loan(id)` is what a push goes to.
template <detail::fixed_text Name>
struct class_literal {
    static constexpr std::string_view name() noexcept { return Name.view(); }

    constexpr run_target<Name> operator()(std::string_view id) const noexcept { return {id}; }

    template <detail::whole_number Number>
    numbered_run_target<Name> operator()(Number id) const noexcept {
        numbered_run_target<Name> target;
        target.count = static_cast<std::uint8_t>(
            std::to_chars(target.digits, target.digits + sizeof target.digits, id).ptr -
            target.digits);
        return target;
    }
};

namespace detail {
template <class T>
struct is_target : std::false_type {};
template <fixed_text Class>
struct is_target<run_target<Class>> : std::true_type {};
template <fixed_text Class>
struct is_target<numbered_run_target<Class>> : std::true_type {};
template <class T>
struct is_class : std::false_type {};
template <fixed_text Name>
struct is_class<class_literal<Name>> : std::true_type {};
} // namespace detail

/// `class(id)`, with or without a time.
template <class T>
concept push_target = detail::is_target<std::remove_cvref_t<T>>::value;
template <class T>
concept class_like = detail::is_class<std::remove_cvref_t<T>>::value;

inline namespace literals {

template <detail::fixed_text Name>
consteval auto operator""_key() noexcept {
    detail::explain_name<Name>();
    return key_literal<Name>{};
}

template <detail::fixed_text Name>
consteval auto operator""_class() noexcept {
    static_assert(Name.view().size() <= detail::max_name_bytes, "a name has at most 255 bytes");
    static_assert(detail::is_utf8(Name.view()), "a name is UTF-8");
    return class_literal<Name>{};
}

} // namespace literals

/// A name known only at run time: columns of a file, bindings. MONA_ names are allowed here,
/// stripped and counted. Bytes that are not UTF-8 become U+FFFD. A copy is free. Range:   at most
/// 255 bytes; a push with a longer one is rejected(oversize), beyond 65 535 names too_many_names.
/// Cost:    the constructor takes a lock; construct once.
class MONARC_API key {
public:
    explicit key(std::string_view name) noexcept;

private:
    friend class record;
    std::uint16_t number_; ///< 0: no room for it, 1: too long
};

/// Fields gathered at run time. Reusable: clear() keeps the memory.
/// Threads: one at a time.
/// Cost:    no allocation once grown.
class MONARC_API record {
public:
    /// Adds a field; a key added again stands twice until the record is merged, where the later
    /// value holds.
    template <detail::field_value T>
    record& add(const key& name, const T& value) {
        constexpr auto type = detail::type_of<T>();
        const auto kept = detail::stored<T>(value);
        if constexpr (type == detail::value_type::text) {
            append(name.number_, type, kept.data(), kept.size());
        } else if constexpr (type == detail::value_type::null) {
            append(name.number_, type, nullptr, 0);
        } else {
            append(name.number_, type, &kept, sizeof kept);
        }
        return *this;
    }
    record& add(const key& name, const char* value) {
        return add(name, value ? std::string_view(value) : "");
    }

    void clear() noexcept;
    bool is_empty() const noexcept { return body_.empty(); }

private:
    friend class exporter;
    friend class context;
    friend class stamped_context;

    void append(std::uint16_t name, detail::value_type type, const void* value, std::size_t bytes);
    /// `class_shape`: the shape that is only a class, 0 where the target is a handle.
    bool push(const detail::destination_of_push& to, std::uint32_t class_shape) const noexcept;

    std::vector<char> body_;
    bool too_large_ = false;
    bool nameless_ = false;
};

} // namespace monarc
