#include "core/toml_text.hpp"

#include <toml++/toml.h>

#include <algorithm>

namespace monarc {
namespace {

std::vector<raw_member> members_of(const toml::table& table);

raw_value value_of(const toml::node& node) {
    if (const auto* const table = node.as_table()) {
        return {members_of(*table)};
    }
    if (const auto* const list = node.as_array()) {
        std::vector<raw_value> values;
        for (const auto& element : *list) {
            values.push_back(value_of(element));
        }
        return {std::move(values)};
    }
    if (const auto* const value = node.as_boolean()) {
        return {value->get()};
    }
    if (const auto* const value = node.as_integer()) {
        return {value->get()};
    }
    if (const auto* const value = node.as_floating_point()) {
        return {value->get()};
    }
    if (const auto* const value = node.as_string()) {
        return {value->get()};
    }
    return {};
}

// toml++ keeps a table sorted by key; messages name the first line that is wrong.
std::vector<raw_member> members_of(const toml::table& table) {
    std::vector<raw_member> members;
    for (const auto& [key, node] : table) {
        members.push_back({std::string(key.str()), value_of(node), key.source().begin.line});
    }
    std::ranges::stable_sort(members, {}, &raw_member::line);
    return members;
}

} // namespace

toml_text parse_toml(std::string_view text) {
    try {
        const toml::table parsed = toml::parse(text);
        return {.members = members_of(parsed), .wrong = {}, .line = 0};
    } catch (const toml::parse_error& error) {
        return {
            .members = {},
            .wrong = std::string(error.description()),
            .line = error.source().begin.line};
    }
}

} // namespace monarc
