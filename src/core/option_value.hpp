#pragma once

// What a file or a variable says, and how it becomes a value of an option's type.

#include <monarc/options.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace monarc {

// A piece of a file before it is known what is wanted; monostate: a date or a time, which no
// option takes. A variable is a text.
struct raw_member;
struct raw_value {
    std::variant<
        std::monostate,
        bool,
        std::int64_t,
        double,
        std::string,
        std::vector<raw_value>,
        std::vector<raw_member>>
        is;
};
struct raw_member {
    std::string key;
    raw_value value;
    std::size_t line = 0; // of the key
};

// How a value is taken.
struct reading {
    bool is_variable = false;           // from the environment: numbers are texts, too
    std::string_view allowed{};         // the option's range, for messages
    std::vector<std::string>& warnings; // what to say although the value was taken
};

// A text as messages show it: quoted, at most 64 bytes, nothing that a terminal obeys.
std::string quoted(std::string_view text);
std::string shown(const raw_value& value);

// `must be <wanted>, <allowed>, got <value>`
std::string misfit(std::string_view wanted, const raw_value& value, const reading& how);

// Each takes `from` into `to`. Returns: what is wrong, beginning with "must be" or another
// predicate of the option; empty if nothing is.
std::string take(const raw_value& from, const reading& how, bool& to);
std::string take(const raw_value& from, const reading& how, double& to);
std::string take(const raw_value& from, const reading& how, std::string& to);
std::string take(const raw_value& from, const reading& how, secret& to);
std::string take(const raw_value& from, const reading& how, std::chrono::milliseconds& to);
std::string take(const raw_value& from, const reading& how, std::map<std::string, std::string>& to);
std::string take(const raw_value& from, const reading& how, std::map<std::string, double>& to);
std::string take(const raw_value& from, const reading& how, std::vector<derived_series>& to);
std::string take_size(const raw_value& from, const reading& how, std::uint64_t& to);

// A whole number, or a text that is one if it comes from a variable.
std::optional<std::int64_t> whole_number(const raw_value& from, const reading& how);

template <std::integral Integer>
std::string take(const raw_value& from, const reading& how, Integer& to) {
    const auto number = whole_number(from, how);
    if (!number || !std::in_range<Integer>(*number)) {
        return misfit("a whole number", from, how);
    }
    to = static_cast<Integer>(*number);
    return {};
}

template <class Value>
std::string take(const raw_value& from, const reading& how, std::optional<Value>& to) {
    Value value;
    auto wrong = take(from, how, value);
    if (wrong.empty()) {
        to = std::move(value);
    }
    return wrong;
}

// The words of an enumeration.
template <class Enum>
using words = std::span<const std::pair<std::string_view, Enum>>;
words<forward_mode> words_of(forward_mode);
words<merge_mode> words_of(merge_mode);
words<uncertain_mode> words_of(uncertain_mode);
words<reserved_key_mode> words_of(reserved_key_mode);
words<mona_auth_mode> words_of(mona_auth_mode);
words<action> words_of(action);
words<compression_mode> words_of(compression_mode);
words<catalogue_mode> words_of(catalogue_mode);
words<fork_policy> words_of(fork_policy);
words<clock_source> words_of(clock_source);
words<series_kind> words_of(series_kind);

template <class Enum>
requires std::is_enum_v<Enum> std::string
take(const raw_value& from, const reading& how, Enum& to) {
    const auto* const text = std::get_if<std::string>(&from.is);
    std::string wanted;
    for (const auto& [word, value] : words_of(Enum{})) {
        if (text != nullptr && *text == word) {
            to = value;
            return {};
        }
        wanted += wanted.empty() ? "" : ", ";
        wanted += word;
    }
    return misfit("one of " + wanted, from, how);
}

// A value that is out of range, as messages show it; of a secret nothing is seen.
std::string shown(const std::string& text);
std::string shown(const secret& text);
std::string shown(const std::map<std::string, double>& numbers);
template <class Number>
std::string shown(const Number& number) {
    return fmt::format("{}", number);
}
template <class Number>
std::string shown(const std::optional<Number>& number) {
    return number ? shown(*number) : "none";
}

} // namespace monarc
