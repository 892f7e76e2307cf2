#pragma once

// A command line, read by the tables of definition.hpp the way argparse reads it: options anywhere,
// prefixes of their names, negative numbers as values. Pure.

#include "monasca/definition.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::tool {

struct arguments {
    const command_definition* command = nullptr;
    // By name; a flag counts how often it was given.
    std::map<std::string_view, std::string> globals{};
    std::map<std::string_view, int> flags{};
    // By key, in the order given.
    std::vector<std::pair<std::string_view, std::string>> values{};

    std::vector<std::string> words{}; // all but global options, if there is no such command
    std::string wrong{};              // usage error; empty: none
    bool wants_help = false;
    bool wants_version = false;

    bool has_flag(std::string_view name) const { return flags.contains(name); }
    // Of a key; the last one counts. Null: it was not given.
    const std::string* find(std::string_view key) const noexcept;
    std::vector<std::string> all(std::string_view key) const;
};

arguments read_arguments(const std::vector<std::string>& words);

// The command of this name, or the only one that begins so, among those of 2.x first. Null: there
// is none, or several.
const command_definition* find_command(std::string_view name) noexcept;

// Python's int(); its float() if it is finite.
bool is_integer(std::string_view text) noexcept;
std::string integer_in_json(std::string_view text); // of what is_integer
bool read_number(std::string_view text, double& value);

} // namespace monarc::tool
