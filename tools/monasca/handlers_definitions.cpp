#include "monasca/handlers.hpp"
#include "monasca/session.hpp"

#include <fmt/format.h>

namespace monarc::tool {
namespace {

constexpr std::string_view collection = "/alarm-definitions";
constexpr std::string_view action_keys[] = {"alarm_actions", "ok_actions", "undetermined_actions"};

std::string path_of(const session& s) {
    return std::string(collection) + '/' + s.text("id");
}

// Ids between commas; nothing and [] are an empty list.
std::vector<std::string> list_of(const std::string& text) {
    return text.empty() || text == "[]" ? std::vector<std::string>() : split(text, ',');
}

// One name a line.
std::string match_by(const json_value* held, const json_value& element) {
    if (held == nullptr || held->kind != sink::python::kind::list) {
        return plain(held, element);
    }
    std::vector<std::string> names;
    for (const auto& one : held->members) {
        names.push_back(plain_cell(one.held));
    }
    return joined_lines(names);
}

} // namespace

void create_definition(session& s) {
    s.require_severity();
    body b;
    b.add("name", s.text("name"));
    if (!s.text("description").empty()) {
        b.add("description", s.text("description"));
    }
    b.add("expression", s.text("expression"));
    for (const auto key : action_keys) {
        if (s.is_given(key)) {
            b.add_list(key, s.given().all(key));
        }
    }
    if (!s.text("severity").empty()) {
        b.add("severity", s.text("severity"));
    }
    if (!s.text("match_by").empty()) {
        b.add_list("match_by", split(s.text("match_by"), ','));
    }
    s.print_created(s.ask({.method = "POST", .path = std::string(collection), .body = b.json()}));
}

void show_definition(session& s) {
    constexpr member_format formats[] = {
        {"name", json_cell},
        {"id", json_cell},
        {"expression", json_cell},
        {"expression_data", expression_cell},
        {"match_by", json_cell},
        {"actions_enabled", json_cell},
        {"alarm_actions", json_cell},
        {"ok_actions", json_cell},
        {"undetermined_actions", json_cell},
        {"severity", json_cell},
        {"description", json_cell},
        {"links", links_cell}};
    s.show({.path = path_of(s)}, formats);
}

void list_definitions(session& s) {
    s.require_severity();
    constexpr std::string_view fields[] = {"id", "name", "severity", "updated_at", "created_at"};
    s.require_sort_by(fields, false);
    constexpr column columns[] = {
        {"name", "name", plain},
        {"id", "id", plain},
        {"expression", "expression", plain},
        {"match_by", "match_by", match_by},
        {"actions_enabled", "actions_enabled", plain}};
    s.list({.path = std::string(collection), .query = s.query()}, columns);
}

void delete_definition(session& s) {
    s.ask({.method = "DELETE", .path = path_of(s)});
    s.print_line("Successfully deleted alarm definition");
}

void update_definition(session& s) {
    s.require_enabled();
    s.require_severity();
    body b;
    b.add("name", s.text("name"))
        .add("description", s.text("description"))
        .add("expression", s.text("expression"));
    for (const auto key : action_keys) {
        b.add_list(key, list_of(s.text(key)));
    }
    b.add_json("actions_enabled", lower(s.text("actions_enabled")));
    b.add_list("match_by", list_of(s.text("match_by")));
    b.add("severity", s.text("severity"));
    s.print_created(s.ask({.method = "PUT", .path = path_of(s), .body = b.json()}));
}

void patch_definition(session& s) {
    s.require_enabled();
    s.require_severity();
    body b;
    for (const std::string_view key : {"name", "description", "expression"}) {
        if (!s.text(key).empty()) {
            b.add(key, s.text(key));
        }
    }
    for (const auto key : action_keys) {
        if (s.is_given(key)) { // each occurrence may be several
            b.add_list(key, list_of(fmt::format("{}", fmt::join(s.given().all(key), ","))));
        }
    }
    if (!s.text("actions_enabled").empty()) {
        b.add_json("actions_enabled", lower(s.text("actions_enabled")));
    }
    if (!s.text("severity").empty()) {
        b.add("severity", s.text("severity"));
    }
    s.print_created(s.ask({.method = "PATCH", .path = path_of(s), .body = b.json()}));
}

} // namespace monarc::tool
