// Alarms, as they are read and set.

#include "sink/json_members.hpp"
#include "sink/monasca_alarm_filter.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_severity.hpp"
#include "sink/monasca_sort.hpp"

#include <fmt/format.h>

#include <tuple>

namespace monarc::sink {
namespace {

constexpr std::string_view by_hand = "Alarm state updated via API";

void append_text_or_null(
    std::string& out,
    json_members& m,
    std::string_view name,
    const std::optional<std::string>& text) {
    m.name(name);
    if (text)
        append_json_string(out, *text);
    else
        out += "null";
}

// `root`: the address of /v2.0.
void append_alarm(
    std::string& out, const alarm& a, const alarm_definition& d, std::string_view root) {
    json_members m(out);
    m.text("id", a.id).raw("links", resource_links(fmt::format("{}/alarms", root), a.id));
    m.name("alarm_definition");
    json_members(out)
        .text("id", d.id)
        .text("name", d.name)
        .text("severity", d.severity)
        .raw("links", resource_links(fmt::format("{}/alarm-definitions", root), d.id))
        .end();
    m.raw("metrics", metrics_json(a.metrics)).text("state", name(a.state));
    append_text_or_null(out, m, "lifecycle_state", a.lifecycle_state);
    append_text_or_null(out, m, "link", a.link);
    m.text("state_updated_timestamp", to_time(a.state_updated_at, false));
    m.text("updated_timestamp", to_time(a.updated_at, false));
    m.text("created_timestamp", to_time(a.created_at, false));
    m.end();
}

std::string root_of(const monasca_call& c) {
    return c.uri.substr(0, c.uri.find("/alarms"));
}

http_response alarm_response(const alarm& a, const tenant_alarming& all, const monasca_call& c) {
    std::string body;
    append_alarm(body, a, all.definitions.at(a.definition_id), root_of(c));
    return json_response(200, std::move(body));
}

// The lifecycle_state and the link of a body; what it does not say stays.
void read_marks(const monasca_body& body, alarm& into) {
    const auto is_given = [&](std::string_view member) {
        const auto* found = body.find(member);
        return found != nullptr && found->kind != python::kind::none;
    };
    if (is_given("lifecycle_state"))
        into.lifecycle_state = body.text("lifecycle_state", 50);
    if (is_given("link"))
        into.link = body.text("link", 512);
}

} // namespace

http_response monasca_alarming::list_alarms(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const alarm_filter filter(query);
    const auto sort = read_sort(
        query,
        {"alarm_id",
         "alarm_definition_id",
         "alarm_definition_name",
         "state",
         "severity",
         "lifecycle_state",
         "link",
         "state_updated_timestamp",
         "updated_timestamp",
         "created_timestamp"});
    const auto& all = of(c);
    auto found = select(all, filter);
    sort_elements(found, sort, [&](const alarm& a, std::string_view field) {
        const auto& d = all.definitions.at(a.definition_id);
        const std::int64_t number = field == "state"                     ? static_cast<int>(a.state)
                                    : field == "severity"                ? severity_rank(d.severity)
                                    : field == "state_updated_timestamp" ? a.state_updated_at
                                    : field == "updated_timestamp"       ? a.updated_at
                                    : field == "created_timestamp"       ? a.created_at
                                                                         : 0;
        return std::tuple(
            number,
            field == "alarm_id"                ? a.id
            : field == "alarm_definition_id"   ? d.id
            : field == "alarm_definition_name" ? d.name
            : field == "lifecycle_state"       ? a.lifecycle_state.value_or("")
            : field == "link"                  ? a.link.value_or("")
                                               : std::string());
    });
    return json_response(
        200, page_of({c.uri, c.request.query}, query, found, [&](std::string& out, const auto* a) {
            append_alarm(out, *a, all.definitions.at(a->definition_id), root_of(c));
        }));
}

http_response monasca_alarming::show_alarm(const monasca_call& c) {
    auto& all = of(c);
    return alarm_response(require_id(all.alarms, c.id), all, c);
}

http_response monasca_alarming::update_alarm(const monasca_call& c) {
    const monasca_body body(c.request, 422);
    for (const auto* name : {"state", "lifecycle_state", "link"})
        if (!body.has(name) || body.text(name, std::string::npos).empty())
            body.refuse(fmt::format("Field '{}' is required", name));
    return patch_alarm(c);
}

http_response monasca_alarming::patch_alarm(const monasca_call& c) {
    const monasca_body body(c.request, 422);
    auto& all = of(c);
    auto& kept = require_id(all.alarms, c.id);
    auto state = kept.state;
    const auto wanted = body.has("state") ? body.text("state", std::string::npos) : std::string();
    if (!wanted.empty()) {
        const auto read = read_alarm_state(wanted);
        if (!read)
            body.refuse("not a valid value for dictionary value @ data['state']");
        state = *read;
    }
    auto changed = kept;
    read_marks(body, changed);
    kept = std::move(changed);
    kept.updated_at = c.now;
    all.change(kept, state, std::string(by_hand), "[]", c.now);
    return alarm_response(kept, all, c);
}

http_response monasca_alarming::delete_alarm(const monasca_call& c) {
    if (of(c).alarms.erase(c.id) == 0)
        refuse_missing();
    return no_content();
}

} // namespace monarc::sink
