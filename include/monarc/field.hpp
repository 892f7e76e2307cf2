#pragma once

/// Keys and fields: names the compiler knows ("name"_key, "name"_class), and names known only at
/// run time (key, record, class_name); values that hold others (object, array, json).

#include <monarc/api.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>
#include <monarc/options.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace monarc {

namespace mona {
class message;
}

/// A key with its value, made by `"name"_key = value`. It lives for one call: of a text or of many
/// numbers it holds only a view.
template <detail::fixed_text Name, class Element>
struct field : Element {
    static constexpr std::string_view name() noexcept { return Name.view(); }
};

namespace detail {

template <class T>
struct is_field : std::false_type {};
template <fixed_text Name, class Element>
struct is_field<field<Name, Element>> : std::true_type {};

} // namespace detail

template <class T>
concept field_like = detail::is_field<std::remove_cvref_t<T>>::value;

/// Fields as one value, made by object(…).
template <class... Fields>
struct object_value {
    std::tuple<Fields...> members;
};
/// Values as one, made by array(…).
template <class... Elements>
struct array_value {
    std::tuple<Elements...> members;
};
/// A value that is JSON already, made by json(…).
struct json_text {
    std::string_view text;
};

namespace detail {

/// What kind of value a type is beside the plain ones.
template <class T>
struct kind_of {
    static constexpr bool has_members = false;
    static constexpr bool is_optional = false;
};
template <class... Fields>
struct kind_of<object_value<Fields...>> {
    static constexpr bool has_members = true;
    static constexpr bool is_optional = false;
    static constexpr value_type type = value_type::object;
};
template <class... Elements>
struct kind_of<array_value<Elements...>> {
    static constexpr bool has_members = true;
    static constexpr bool is_optional = false;
    static constexpr value_type type = value_type::array;
};
template <class T>
struct kind_of<std::optional<T>> {
    static constexpr bool has_members = false;
    static constexpr bool is_optional =
        (field_value<T> && !std::same_as<T, std::nullptr_t>) || number_sequence<T>;
};

template <class T>
inline constexpr bool is_sendable =
    field_value<T> || number_sequence<T> || std::same_as<T, json_text> || kind_of<T>::has_members ||
    kind_of<T>::is_optional;

template <class T>
consteval void explain_value() {
    static_assert(
        !character<T>,
        "a character is neither text nor a number; write std::string_view(&c, 1) or int(c)");
    static_assert(
        !std::is_enum_v<T>,
        "an enumerator has no value of its own; pass its name or std::to_underlying(e)");
    static_assert(
        character<T> || std::is_enum_v<T> || is_sendable<T>,
        "a field takes null, bool, integers up to 64 bits, float, double, text, std::optional of "
        "these, many double, float or std::int64_t as std::span, object, array, json");
}

template <class T>
constexpr std::string_view bytes_of(const T& numbers) noexcept {
    const auto view = [](auto all) {
        return std::string_view(reinterpret_cast<const char*>(all.data()), all.size_bytes());
    };
    if constexpr (sequence_of<T, double>) {
        return view(std::span<const double>(numbers));
    } else if constexpr (sequence_of<T, float>) {
        return view(std::span<const float>(numbers));
    } else {
        return view(std::span<const std::int64_t>(numbers));
    }
}
template <class T>
inline constexpr value_type type_of_numbers = sequence_of<T, double>  ? value_type::reals
                                              : sequence_of<T, float> ? value_type::floats
                                                                      : value_type::integers;

/// A value as a field holds it.
template <class T>
constexpr auto element_of(const T& value) noexcept {
    if constexpr (field_value<T>) {
        const auto kept = stored<T>(value);
        return element<type_of<T>(), std::remove_const_t<decltype(kept)>>{kept};
    } else if constexpr (number_sequence<T>) {
        return element<type_of_numbers<T>, std::string_view>{bytes_of(value)};
    } else if constexpr (std::same_as<T, json_text>) {
        return element<value_type::json, std::string_view>{value.text};
    } else if constexpr (kind_of<T>::has_members) {
        return element<kind_of<T>::type, decltype(value.members)>{value.members};
    } else if constexpr (kind_of<T>::is_optional) {
        using inner = decltype(element_of(*value));
        using made = element<inner::type, decltype(inner::value), true>;
        return value ? made{element_of(*value).value, true} : made{{}, false};
    } else {
        return element<value_type::null, std::nullptr_t>{nullptr};
    }
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

/// Whether a field only points at what it says.
template <class Field>
inline constexpr bool is_view = has_bytes(Field::type);
template <class... Members, value_type Type>
inline constexpr bool is_view<element<Type, std::tuple<Members...>>> = (is_view<Members> || ...);
template <fixed_text Name, class Element>
inline constexpr bool is_view<field<Name, Element>> = is_view<Element>;

/// Levels of objects and arrays.
template <class Element>
inline constexpr std::size_t levels_of = 0;
template <class... Members, value_type Type>
inline constexpr std::size_t levels_of<element<Type, std::tuple<Members...>>> =
    1 + std::max({std::size_t{0}, levels_of<Members>...});
template <fixed_text Name, class Element>
inline constexpr std::size_t levels_of<field<Name, Element>> = levels_of<Element>;

template <class... Fields>
consteval void explain_fields() {
    static_assert(
        ((!std::is_lvalue_reference_v<Fields> || !is_view<std::remove_cvref_t<Fields>>)&&...),
        "write text fields inside the call: a field only points at its text");
    static_assert(
        !has_same_key_twice<std::remove_cvref_t<Fields>...>(), "the same key twice in one push");
    static_assert(
        fixed_total_of_fields<std::remove_cvref_t<Fields>...> <= max_record_bytes,
        "more fields than one record holds");
    static_assert(
        ((1 + levels_of<std::remove_cvref_t<Fields>> <= max_levels) && ...),
        "objects and arrays stand in one another at most 11 deep");
}

} // namespace detail

/// A key known at compile time. Empty; prepare it once or write it in place.
/// Fails:   to compile if the name begins with MONA_, is longer than 255 bytes or is not UTF-8.
template <detail::fixed_text Name>
struct key_literal {
    /// A field; lives for one call.
    template <class T>
    constexpr auto operator=(const T& value) const noexcept {
        using plain = std::decay_t<const T>;
        detail::explain_value<plain>();
        const plain& decayed = value;
        return field<Name, decltype(detail::element_of<plain>(decayed))>{
            detail::element_of<plain>(decayed)};
    }
};

/// Fields as the value of one: `"model"_key = monarc::object("name"_key = "gbm", "version"_key =
/// 7)`. Costs what they cost beside the others. Lives for one call.
template <field_like... Fields>
constexpr auto object(Fields... fields) noexcept {
    static_assert(!detail::has_same_key_twice<Fields...>(), "the same key twice in one object");
    return object_value<Fields...>{{fields...}};
}

/// Values of any types as the value of one field. Many numbers: std::span. Lives for one call.
template <class... Values>
constexpr auto array(const Values&... values) noexcept {
    (detail::explain_value<std::decay_t<const Values>>(), ...);
    return array_value<decltype(detail::element_of<std::decay_t<const Values>>(values))...>{
        {detail::element_of<std::decay_t<const Values>>(values)...}};
}

/// A value that is JSON already, of any type. A text that is not JSON loses this field; inside an
/// array it becomes null. Either is counted (bad_json_fields). Lives for one call.
constexpr json_text json(std::string_view text) noexcept {
    return {text};
}

/// The id of a run as 16 bytes, sent as 36 bytes of lower-case text.
struct uuid {
    std::array<std::uint8_t, 16> bytes{};
    friend constexpr bool operator==(const uuid&, const uuid&) = default;
};

namespace detail {

/// Nanoseconds since 1970.
constexpr std::int64_t nanoseconds_of(std::chrono::system_clock::time_point time) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

/// The class of a target: known to the compiler, or a number.
template <fixed_text Class>
struct acting_class;
template <fixed_text Class>
struct compiled_class {
    static constexpr fixed_text class_name = Class;

    constexpr acting_class<Class> with(action what) const noexcept;
};
struct numbered_class {
    static constexpr fixed_text class_name = "";
    std::uint32_t class_number;

    /// A class without a number stays one.
    constexpr numbered_class with(action what) const noexcept {
        const auto number = class_number & ((1u << action_shift) - 1);
        return {number <= 1 ? number : number | static_cast<std::uint32_t>(what) << action_shift};
    }
};
template <fixed_text Class>
struct acting_class {
    static constexpr fixed_text class_name = Class;
    std::uint32_t class_number;

    constexpr acting_class with(action what) const noexcept {
        return {static_cast<std::uint32_t>(what) << action_shift};
    }
};
template <fixed_text Class>
constexpr acting_class<Class> compiled_class<Class>::with(action what) const noexcept {
    return acting_class<Class>{}.with(what);
}

} // namespace detail

/// Where a push goes when the id comes with it: a class and the id of one run. The id is copied by
/// the push. Range:   an id has at most 1024 bytes, else the push is rejected(oversize).
template <class Class>
struct run_target : Class {
    std::string_view id;
    std::int64_t when = detail::no_time;

    /// The same run with a time of its own instead of the moment of the push. Sent in whole
    /// seconds; by REST in milliseconds unless it is a whole second.
    constexpr run_target at(std::chrono::system_clock::time_point time) const noexcept {
        auto copy = *this;
        copy.when = detail::nanoseconds_of(time);
        return copy;
    }

    /// What it does to the row that is there. Of Mona's REST interface only.
    constexpr auto as(action what) const noexcept {
        const auto acting = this->with(what);
        return run_target<std::remove_cv_t<decltype(acting)>>{acting, id, when};
    }

    constexpr std::string_view text() const noexcept { return id; }
};

/// The same with an id that is made into text: a number, sent as decimal text, or a uuid.
template <class Class, std::size_t MaxBytes>
struct made_run_target : Class {
    char id[MaxBytes];
    std::uint8_t count;
    std::int64_t when = detail::no_time;

    constexpr made_run_target at(std::chrono::system_clock::time_point time) const noexcept {
        auto copy = *this;
        copy.when = detail::nanoseconds_of(time);
        return copy;
    }

    constexpr auto as(action what) const noexcept {
        const auto acting = this->with(what);
        made_run_target<std::remove_cv_t<decltype(acting)>, MaxBytes> copy;
        static_cast<std::remove_cv_t<decltype(acting)>&>(copy) = acting;
        std::copy_n(id, count, copy.id);
        copy.count = count;
        copy.when = when;
        return copy;
    }

    constexpr std::string_view text() const noexcept { return {id, count}; }
};

namespace detail {

template <class Class>
constexpr run_target<Class> target_of(const Class& its_class, std::string_view id) noexcept {
    return {its_class, id};
}

template <class Class, whole_number Number>
made_run_target<Class, 20> target_of(const Class& its_class, Number id) noexcept {
    made_run_target<Class, 20> target;
    static_cast<Class&>(target) = its_class;
    target.count = static_cast<std::uint8_t>(
        std::to_chars(target.id, target.id + sizeof target.id, id).ptr - target.id);
    return target;
}

template <class Class>
constexpr made_run_target<Class, 36> target_of(const Class& its_class, const uuid& id) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    made_run_target<Class, 36> target;
    static_cast<Class&>(target) = its_class;
    target.count = 0;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            target.id[target.count++] = '-';
        }
        target.id[target.count++] = digits[id.bytes[i] >> 4];
        target.id[target.count++] = digits[id.bytes[i] & 15];
    }
    return target;
}

template <class T>
concept run_id = whole_number<T> || std::same_as<T, uuid>;

} // namespace detail

/// A class known at compile time; `loan(id)` is what a push goes to. An id is a text, an integer or
/// a uuid.
template <detail::fixed_text Name>
struct class_literal {
    static constexpr std::string_view name() noexcept { return Name.view(); }

    constexpr auto operator()(std::string_view id) const noexcept {
        return detail::target_of(detail::compiled_class<Name>{}, id);
    }
    template <detail::run_id Id>
    constexpr auto operator()(const Id& id) const noexcept {
        return detail::target_of(detail::compiled_class<Name>{}, id);
    }
};

/// A class known only at run time; `fill(id)` is what a push goes to. Bytes that are not UTF-8
/// become U+FFFD. A copy is free. Range:   at most 255 bytes; a push with a longer one is
/// rejected(oversize), beyond 65 535 names too_many_names. Cost:    the constructor takes a lock;
/// construct once. Its pushes cost what those of a class literal cost.
class MONARC_API class_name {
public:
    explicit class_name(std::string_view name) noexcept;

    constexpr auto operator()(std::string_view id) const noexcept {
        return detail::target_of(number_, id);
    }
    template <detail::run_id Id>
    constexpr auto operator()(const Id& id) const noexcept {
        return detail::target_of(number_, id);
    }

private:
    detail::numbered_class number_; ///< 0: no room for it, 1: too long
};

namespace detail {
template <class T>
struct is_target : std::false_type {};
template <class Class>
struct is_target<run_target<Class>> : std::true_type {};
template <class Class, std::size_t MaxBytes>
struct is_target<made_run_target<Class, MaxBytes>> : std::true_type {};
template <class T>
struct is_class : std::false_type {};
template <fixed_text Name>
struct is_class<class_literal<Name>> : std::true_type {};

/// Whether a target's class is a number, or it has an action.
template <class Target>
inline constexpr bool has_class_number = requires(const Target& to) {
    to.class_number;
};
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
    /// The value, or null.
    template <detail::field_value T>
    record& add(const key& name, const std::optional<T>& value) {
        return value ? add(name, *value) : add(name, nullptr);
    }

    void clear() noexcept;
    bool is_empty() const noexcept { return body_.empty(); }

private:
    friend class exporter;
    friend class context;
    friend class stamped_context;
    friend class mona::message;

    void append(std::uint16_t name, detail::value_type type, const void* value, std::size_t bytes);
    /// `class_shape`: the shape that is only a class, 0 where the target is a handle.
    bool push(const detail::destination_of_push& to, std::uint32_t class_shape) const noexcept;

    std::vector<char> body_;
    bool too_large_ = false;
    bool nameless_ = false;
};

} // namespace monarc
