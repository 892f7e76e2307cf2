// Alarm definitions.

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_severity.hpp"
#include "sink/monasca_sort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace monarc::sink {
namespace {

void append_definition(std::string& out, const alarm_definition& d, std::string_view resources) {
    json_members(out)
        .text("id", d.id)
        .text("name", d.name)
        .text("description", d.description)
        .text("expression", d.expression)
        .boolean("deterministic", d.read.is_deterministic())
        .texts("match_by", d.match_by)
        .text("severity", d.severity)
        .boolean("actions_enabled", d.actions_enabled)
        .texts("alarm_actions", d.alarm_actions)
        .texts("ok_actions", d.ok_actions)
        .texts("undetermined_actions", d.undetermined_actions)
        .raw("links", resource_links(resources, d.id))
        .end();
}

http_response definition_response(int status, const alarm_definition& d, const monasca_call& c) {
    std::string body;
    append_definition(body, d, without_id(c));
    return json_response(status, std::move(body));
}

alarm_expression read_checked(const std::string& text) {
    try {
        return read_expression(text);
    } catch (const expression_error& wrong) {
        throw monasca_refusal(
            {422,
             "Invalid alarm expression",
             fmt::format(
                 "parser failed on expression '{}' at column {}: {}",
                 text,
                 wrong.column,
                 wrong.what())});
    }
}

std::vector<std::string> read_actions(
    const monasca_body& body,
    std::string_view member,
    std::string_view state,
    const tenant_alarming& all) {
    auto ids = body.texts(member);
    for (auto at = ids.begin(); at != ids.end(); ++at) {
        if (python::count_code_points(*at) > 50)
            body.refuse(fmt::format(
                "length {} > 50 for dictionary value @ data['{}']",
                python::count_code_points(*at),
                member));
        if (std::find(ids.begin(), at, *at) != at)
            body.refuse(fmt::format(
                "Duplicate {} notification method {} for dictionary value @ data['{}']",
                state,
                *at,
                member));
    }
    for (const auto& id : ids)
        if (all.methods.count(id) == 0)
            refuse_update(fmt::format(
                "Non-existent notification id {} submitted for {} notification action", id, state));
    return ids;
}

std::vector<std::string> read_match_by(const monasca_body& body) {
    auto keys = body.texts("match_by");
    for (const auto& key : keys)
        if (auto no = why_not_dimension_key(key))
            body.refuse(std::move(*no));
    return keys;
}

// What the body says of it; what it does not say stays.
void read_definition(const monasca_body& body, const tenant_alarming& all, alarm_definition& into) {
    if (body.has("name"))
        into.name = body.text("name", 255);
    if (body.has("description"))
        into.description = body.text("description", 255);
    if (body.has("severity")) {
        into.severity = upper(body.text("severity", 255));
        if (!is_severity(into.severity))
            body.refuse("not a valid value for dictionary value @ data['severity']");
    }
    if (body.has("match_by"))
        into.match_by = read_match_by(body);
    if (body.has("actions_enabled"))
        into.actions_enabled = body.boolean("actions_enabled");
    if (body.has("expression")) {
        into.expression = body.text("expression", std::string::npos);
        into.read = read_checked(into.expression);
    }
    if (body.has("alarm_actions"))
        into.alarm_actions = read_actions(body, "alarm_actions", "ALARM", all);
    if (body.has("ok_actions"))
        into.ok_actions = read_actions(body, "ok_actions", "OK", all);
    if (body.has("undetermined_actions"))
        into.undetermined_actions = read_actions(body, "undetermined_actions", "UNDETERMINED", all);
}

void check_name(const alarm_definition& d, const tenant_alarming& all) {
    for (const auto& [id, other] : all.definitions)
        if (other.name == d.name && d.id.empty())
            refuse_conflict(
                fmt::format("An alarm definition with the name {} already exists", d.name));
        else if (other.name == d.name && id != d.id)
            refuse_conflict(fmt::format(
                "An alarm definition with the name {} already exists with id {}", d.name, id));
}

// Alarms hang on what a definition is about: that stays.
void check_change(const alarm_definition& from, const alarm_definition& to) {
    if (from.read.subs.size() != to.read.subs.size())
        refuse_update("number of subexpressions must not change");
    for (const auto& sub : to.read.subs)
        if (std::none_of(from.read.subs.begin(), from.read.subs.end(), [&](const auto& old) {
                return old.metric == sub.metric && old.dimensions == sub.dimensions;
            }))
            refuse_update("metrics in subexpression must not change");
    if (from.match_by != to.match_by)
        refuse_update("match_by must not change");
}

bool has_dimensions(const alarm_definition& d, const dimension_filter& filter) {
    return filter.all.empty() ||
           std::any_of(d.read.subs.begin(), d.read.subs.end(), [&](const sub_expression& sub) {
               return filter.admits(sub.dimensions);
           });
}

} // namespace

http_response monasca_alarming::list_definitions(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const auto name = query.find("name");
    const auto filter = query.dimensions();
    const auto severities = read_severities(query);
    const auto sort = read_sort(query, {"id", "name", "severity", "updated_at", "created_at"});
    std::vector<const alarm_definition*> all;
    for (const auto& [id, d] : of(c).definitions)
        if ((!name || d.name == *name) && has_dimensions(d, filter) &&
            has_severity(severities, d.severity))
            all.push_back(&d);
    sort_elements(all, sort, [](const alarm_definition& d, std::string_view field) {
        const std::int64_t at = field == "created_at"   ? d.created_at
                                : field == "updated_at" ? d.updated_at
                                                        : 0;
        return std::tuple(
            at,
            field == "id"         ? d.id
            : field == "name"     ? d.name
            : field == "severity" ? d.severity
                                  : std::string());
    });
    return json_response(
        200, page_of({c.uri, c.request.query}, query, all, [&](std::string& out, const auto* d) {
            append_definition(out, *d, c.uri);
        }));
}

http_response monasca_alarming::create_definition(const monasca_call& c) {
    const monasca_body body(c.request, 422);
    for (const auto* name : {"name", "expression"})
        body.require(name);
    auto& all = of(c);
    alarm_definition made;
    read_definition(body, all, made);
    made.actions_enabled = true; // whatever the body says
    check_name(made, all);
    require_room(all.definitions.size(), tenant_alarming::max_definitions);
    made.id = ids_.uuid();
    made.created_at = made.updated_at = c.now;
    const auto& kept = all.definitions.insert_or_assign(made.id, made).first->second;
    return definition_response(201, kept, c);
}

http_response monasca_alarming::show_definition(const monasca_call& c) {
    return definition_response(200, require_id(of(c).definitions, c.id), c);
}

http_response monasca_alarming::update_definition(const monasca_call& c) {
    const monasca_body body(c.request, 422);
    constexpr std::array<std::string_view, 9> members{
        "name",
        "expression",
        "description",
        "severity",
        "match_by",
        "ok_actions",
        "alarm_actions",
        "undetermined_actions",
        "actions_enabled"};
    for (const auto member : members)
        body.require(member);
    return patch_definition(c);
}

http_response monasca_alarming::patch_definition(const monasca_call& c) {
    const monasca_body body(c.request, 422);
    auto& all = of(c);
    auto& kept = require_id(all.definitions, c.id);
    auto changed = kept;
    read_definition(body, all, changed);
    check_name(changed, all);
    check_change(kept, changed);
    changed.updated_at = c.now;
    kept = std::move(changed);
    return definition_response(200, kept, c);
}

// Its alarms go with it; what is known of their past stays.
http_response monasca_alarming::delete_definition(const monasca_call& c) {
    auto& all = of(c);
    if (all.definitions.erase(c.id) == 0)
        refuse_missing();
    std::erase_if(
        all.alarms, [&](const auto& entry) { return entry.second.definition_id == c.id; });
    return no_content();
}

} // namespace monarc::sink
