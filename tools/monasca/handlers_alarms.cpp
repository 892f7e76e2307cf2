#include "monasca/handlers.hpp"
#include "monasca/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace monarc::tool {
namespace {

using sink::python::kind;

constexpr std::string_view collection = "/alarms";
constexpr std::string_view action_keys[] = {"alarm_actions", "ok_actions", "undetermined_actions"};

std::string path_of(const session& s) {
    return std::string(collection) + '/' + s.text("id");
}

std::string of_definition(const json_value& alarm, std::string_view key) {
    const auto* const definition = alarm.find("alarm_definition");
    const auto* const held = definition == nullptr ? nullptr : definition->find(key);
    return held == nullptr ? std::string() : plain_cell(*held);
}

std::string definition_id(const json_value*, const json_value& alarm) {
    return of_definition(alarm, "id");
}

std::string definition_name(const json_value*, const json_value& alarm) {
    return of_definition(alarm, "name");
}

std::string definition_severity(const json_value*, const json_value& alarm) {
    return of_definition(alarm, "severity");
}

constexpr column history_columns[] = {
    {"alarm_id", "alarm_id", plain},
    {"new_state", "new_state", plain},
    {"old_state", "old_state", plain},
    {"reason", "reason", plain},
    {"reason_data", "reason_data", plain},
    {"metric_name", "metrics", metric_names},
    {"metric_dimensions", "metrics", metric_dimensions},
    {"timestamp", "timestamp", plain}};

void add_texts(body& b, const session& s, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) {
        if (!s.text(key).empty()) {
            b.add(key, s.text(key));
        }
    }
}

void add_actions(body& b, const session& s) {
    for (const auto key : action_keys) {
        if (s.is_given(key)) {
            b.add_list(key, s.given().all(key));
        }
    }
}

} // namespace

// 1.0.1's request; a server that knows no such thing gets today's.
void create_alarm(session& s) {
    s.require_severity();
    body b;
    b.add("name", s.text("name"));
    add_texts(b, s, {"description"});
    b.add("expression", s.text("expression"));
    add_actions(b, s);
    add_texts(b, s, {"severity"});
    auto got = s.try_to_ask({.method = "POST", .path = std::string(collection), .body = b.json()});
    if (!got && (got.error().status == 404 || got.error().status == 405)) {
        s.warn(fmt::format(
            "this server has no POST /alarms (HTTP {}); an alarm definition with the same fields "
            "is created instead, as alarm-definition-create does",
            got.error().status));
        got = s.ask({.method = "POST", .path = "/alarm-definitions", .body = b.json()});
    }
    if (!got) {
        throw failure{told(got.error())};
    }
    s.print_created(*got);
}

void list_alarms(session& s) {
    s.require_state();
    s.require_severity();
    constexpr std::string_view fields[] = {
        "alarm_id",
        "alarm_definition_id",
        "alarm_definition_name",
        "state",
        "severity",
        "lifecycle_state",
        "link",
        "state_updated_timestamp",
        "updated_timestamp",
        "created_timestamp"};
    s.require_sort_by(fields, true);
    constexpr column columns[] = {
        {"id", "id", plain},
        {"alarm_definition_id", "", definition_id},
        {"alarm_definition_name", "", definition_name},
        {"metric_name", "metrics", metric_names},
        {"metric_dimensions", "metrics", metric_dimensions},
        {"severity", "", definition_severity},
        {"state", "state", plain},
        {"lifecycle_state", "lifecycle_state", plain},
        {"link", "link", plain},
        {"state_updated_timestamp", "state_updated_timestamp", plain},
        {"updated_timestamp", "updated_timestamp", plain},
        {"created_timestamp", "created_timestamp", plain}};
    s.list({.path = std::string(collection), .query = s.query()}, columns);
}

void show_alarm(session& s) {
    constexpr member_format formats[] = {
        {"id", json_cell},
        {"alarm_definition", json_cell},
        {"metrics", json_cell},
        {"state", json_cell},
        {"links", links_cell}};
    s.show({.path = path_of(s)}, formats);
}

void update_alarm(session& s) {
    s.require_state();
    body b;
    b.add("state", s.text("state"))
        .add("lifecycle_state", s.text("lifecycle_state"))
        .add("link", s.text("link"));
    s.print_created(s.ask({.method = "PUT", .path = path_of(s), .body = b.json()}));
}

void patch_alarm(session& s) {
    s.require_state();
    s.require_severity();
    s.require_enabled();
    body b;
    add_texts(b, s, {"name", "description", "expression"});
    add_actions(b, s);
    if (!s.text("actions_enabled").empty()) {
        b.add_json("actions_enabled", lower(s.text("actions_enabled")));
    }
    add_texts(b, s, {"state", "lifecycle_state", "link", "severity"});
    s.print_created(s.ask({.method = "PATCH", .path = path_of(s), .body = b.json()}));
}

void delete_alarm(session& s) {
    s.ask({.method = "DELETE", .path = path_of(s)});
    s.print_line("Successfully deleted alarm");
}

void count_alarms(session& s) {
    s.require_state();
    s.require_severity();
    constexpr std::string_view allowed =
        "alarm_definition_id,name,state,severity,link,lifecycle_state,metric_name,dimension_name,"
        "dimension_value";
    const auto groups = s.text("group_by");
    const auto known = split(allowed, ',');
    for (const auto& one : groups.empty() ? std::vector<std::string>() : split(groups, ',')) {
        if (std::find(known.begin(), known.end(), one) == known.end()) {
            s.refuse_softly(
                fmt::format("Invalid group-by, one or more values not in [{}]", allowed));
        }
    }
    const auto document =
        s.read(s.ask({.path = std::string(collection) + "/count", .query = s.query()}));
    const auto& root = document.root();
    const auto* const columns = root.find("columns");
    const auto* const counts = root.find("counts");
    if (columns == nullptr || columns->kind != kind::list || counts == nullptr ||
        counts->kind != kind::list) {
        if (s.format() == output_format::json) {
            s.print_line(dumped(root, json_letters::raw));
            return;
        }
        throw failure{"the answer has no \"columns\" and \"counts\"; is it Monasca's?"};
    }
    std::vector<std::string> heads;
    for (const auto& one : columns->members) {
        heads.push_back(plain_cell(one.held));
    }
    const auto width = heads.size();
    text_table table(std::move(heads));
    for (const auto& row : counts->members) {
        std::vector<std::string> cells;
        for (const auto& one : row.held.members) {
            cells.push_back(plain_cell(one.held));
        }
        cells.resize(width);
        table.add(std::move(cells));
    }
    s.print_table(table, root);
}

void list_history(session& s) {
    s.list({.path = path_of(s) + "/state-history", .query = s.query()}, history_columns);
}

void list_all_history(session& s) {
    s.list(
        {.path = std::string(collection) + "/state-history/", .query = s.query()}, history_columns);
}

} // namespace monarc::tool
