#pragma once

// What the command line of `monasca` may hold: parsing, help, completions and the manual page are
// made of these tables.

#include <span>
#include <string_view>

namespace monarc::tool {

enum class value_kind {
    text,
    flag,         // has no value
    integer,      // as Python's int() reads it
    number,       // as its float() does, finite
    text_list,    // repeatable, each a value
    pairs,        // key=value pieces, a bare key meaning any value; repeatable
    strict_pairs, // the same without bare keys
    start_time,   // `-90` is 90 minutes ago
    json,         // a text of it; or `-` and `@file`
};

struct argument_definition {
    std::string_view name{}; // `--limit`, or `<name>` for one without an option
    std::string_view key{};  // in queries and bodies
    value_kind kind = value_kind::text;
    std::string_view value{}; // what help calls the value of an option
    std::string_view help{};
    bool is_optional = false; // of a positional one
    std::string_view alias{}; // another spelling

    constexpr bool is_positional() const noexcept { return name.starts_with('<'); }
    constexpr bool has_value() const noexcept { return kind != value_kind::flag; }
};

struct global_definition {
    std::string_view name{};
    std::string_view variable{}; // of the environment
    std::string_view value{};    // empty: a flag
    std::string_view help{};
    char letter = 0;
    std::string_view alias{};
    bool is_of_2x = true; // prefixes of these are looked at first
    bool is_hidden = false;

    constexpr bool has_value() const noexcept { return !value.empty(); }
};

struct command_definition {
    std::string_view name{};
    std::string_view help{};
    std::span<const argument_definition> arguments{};
    std::string_view query{};   // keys, in the order in which they are sent, a blank between two
    std::string_view surplus{}; // said of words too many
    bool is_of_2x = true;       // prefixes of these are looked at first
};

std::span<const global_definition> global_options() noexcept;
std::span<const command_definition> commands() noexcept;

} // namespace monarc::tool
