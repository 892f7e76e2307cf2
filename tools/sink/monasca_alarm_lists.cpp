// Alarms, their counts and their history, as they are read and set.

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_severity.hpp"
#include "sink/monasca_sort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
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

std::string metrics_json(const std::vector<alarm_metric>& metrics) {
    std::string out = "[";
    for (const auto& metric : metrics) {
        if (&metric != metrics.data())
            out += ',';
        json_members m(out);
        m.text("name", metric.name).name("dimensions");
        append_json_dimensions(out, metric.dimensions);
        m.end();
    }
    return out + "]";
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

// What lists and counts of alarms can be asked for.
struct alarm_filter {
    explicit alarm_filter(const monasca_query& query);
    bool admits(const alarm& a, const alarm_definition& d) const;

    std::optional<std::string> definition_id, metric_name, lifecycle_state, link;
    dimension_filter dimensions;
    std::optional<alarm_state> state;
    std::vector<std::string> severities;
    std::optional<std::int64_t> updated_from; // microseconds
};

alarm_filter::alarm_filter(const monasca_query& query)
    : definition_id(query.find("alarm_definition_id")), metric_name(query.find("metric_name")),
      lifecycle_state(query.find("lifecycle_state")), link(query.find("link")) {
    if (const auto text = query.find("state")) {
        state = read_alarm_state(upper(*text));
        if (!state)
            throw monasca_refusal(
                {422,
                 "Invalid State",
                 fmt::format(
                     "State b{} must be one of ['ALARM', 'OK', 'UNDETERMINED']",
                     python::quoted(*text))});
    }
    severities = read_severities(query);
    dimensions = query.dimensions("metric_dimensions");
    updated_from = query.time("state_updated_start_time");
}

bool alarm_filter::admits(const alarm& a, const alarm_definition& d) const {
    const auto has_metric = [&](const auto& fits) {
        return std::any_of(a.metrics.begin(), a.metrics.end(), fits);
    };
    return (!definition_id || a.definition_id == *definition_id) &&
           (!metric_name || has_metric([&](const auto& m) { return m.name == *metric_name; })) &&
           (dimensions.all.empty() ||
            has_metric([&](const auto& m) { return dimensions.admits(m.dimensions); })) &&
           (!state || a.state == *state) && has_severity(severities, d.severity) &&
           (!lifecycle_state || a.lifecycle_state == lifecycle_state) &&
           (!link || a.link == link) &&
           (!updated_from || a.state_updated_at * 1000 >= *updated_from);
}

std::vector<const alarm*> select(const tenant_alarming& all, const alarm_filter& filter) {
    std::vector<const alarm*> found;
    for (const auto& [id, a] : all.alarms)
        if (filter.admits(a, all.definitions.at(a.definition_id)))
            found.push_back(&a);
    return found;
}

// A value of a row of counts; nothing is null, and comes first.
using count_key = std::vector<std::optional<std::string>>;

std::optional<std::string>
count_value(const alarm& a, const alarm_definition& d, std::string_view field) {
    if (field == "alarm_definition_id")
        return d.id;
    if (field == "name")
        return d.name;
    if (field == "state")
        return std::string(name(a.state));
    if (field == "severity")
        return d.severity;
    return field == "link" ? a.link : a.lifecycle_state;
}

bool is_of_metric(std::string_view field) noexcept {
    return field == "metric_name" || field == "dimension_name" || field == "dimension_value";
}

// The rows that one alarm counts in: several if they are grouped by what its metrics have.
std::set<count_key>
count_keys(const alarm& a, const alarm_definition& d, const std::vector<std::string>& fields) {
    std::set<count_key> keys;
    const auto add = [&](const alarm_metric* m, const auto* dimension) {
        count_key key;
        for (const auto& field : fields)
            if (!is_of_metric(field))
                key.push_back(count_value(a, d, field));
            else if (field == "metric_name")
                key.emplace_back(m->name);
            else
                key.emplace_back(field == "dimension_name" ? dimension->first : dimension->second);
        keys.insert(std::move(key));
    };
    const std::pair<std::string, std::string>* none = nullptr;
    if (std::none_of(fields.begin(), fields.end(), is_of_metric)) {
        add(nullptr, none);
        return keys;
    }
    // As the database joins them: a metric without dimensions counts nowhere.
    for (const auto& m : a.metrics)
        for (const auto& dimension : m.dimensions)
            add(&m, &dimension);
    return keys;
}

std::vector<std::string> read_count_fields(const monasca_query& query) {
    constexpr std::array<std::string_view, 9> known{
        "alarm_definition_id",
        "name",
        "state",
        "severity",
        "link",
        "lifecycle_state",
        "metric_name",
        "dimension_name",
        "dimension_value"};
    auto fields = query.group_by();
    for (const auto& field : fields)
        if (std::find(known.begin(), known.end(), field) == known.end())
            refuse_query(fmt::format(
                "One or more group-by values from [{}] are not in [{}]",
                fmt::join(fields, ", "),
                fmt::join(known, ", ")));
    return fields;
}

void append_count(std::string& out, std::uint64_t count, const count_key& key) {
    out += fmt::format("[{}", count);
    for (const auto& value : key) {
        out += ',';
        if (value)
            append_json_string(out, *value);
        else
            out += "null";
    }
    out += ']';
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

void append_change(std::string& out, const state_change& change) {
    json_members(out)
        .text("id", fmt::format("{}", change.at))
        .text("alarm_id", change.alarm_id)
        .raw("metrics", metrics_json(change.metrics))
        .text("old_state", name(change.before))
        .text("new_state", name(change.after))
        .text("reason", change.reason)
        .text("reason_data", "{}")
        .text("timestamp", to_time(change.at, true))
        .raw("sub_alarms", change.sub_alarms)
        .end();
}

// The time behind which a page begins: `<id>_<time>`, or a time.
std::int64_t read_history_offset(const monasca_query& query) {
    const auto text = query.find("offset").value_or("");
    if (text.empty())
        return std::numeric_limits<std::int64_t>::min();
    const auto mark = text.find('_');
    const auto at = read_time(mark == std::string::npos ? text : text.substr(mark + 1));
    if (!at)
        throw monasca_refusal(
            {500,
             "The repository was unable to process your request",
             fmt::format("invalid offset {}", text)});
    return *at / 1000;
}

// A page of the changes that `admits`.
template <class Admits>
http_response
history_page(const monasca_call& c, const std::deque<state_change>& history, Admits admits) {
    const monasca_query query(c.request.query);
    const auto limit = query.limit();
    const auto after = read_history_offset(query);
    std::string elements;
    std::string next;
    std::size_t count = 0;
    std::string last;
    for (const auto& change : history) {
        if (change.at <= after || !admits(change))
            continue;
        if (count == limit) {
            next = last;
            break;
        }
        if (count++ != 0)
            elements += ',';
        append_change(elements, change);
        last = fmt::format("{}_{}", change.at, to_time(change.at, true));
    }
    return json_response(200, page_json({c.uri, c.request.query}, elements, next));
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

http_response monasca_alarming::count_alarms(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const alarm_filter filter(query);
    const auto fields = read_count_fields(query);
    const auto limit = query.limit();
    const auto offset = read_list_offset(query);
    const auto& all = of(c);
    std::map<count_key, std::uint64_t> rows;
    for (const auto* a : select(all, filter))
        for (const auto& key : count_keys(*a, all.definitions.at(a->definition_id), fields))
            ++rows[key];

    std::vector<std::string> columns{"count"};
    columns.insert(columns.end(), fields.begin(), fields.end());
    std::string counts;
    std::size_t at = 0;
    for (const auto& [key, count] : rows) {
        const auto place = at++;
        if (place < offset || place >= offset + limit)
            continue;
        if (!counts.empty())
            counts += ',';
        append_count(counts, count, key);
    }
    if (counts.empty())
        append_count(counts, 0, count_key(fields.size()));
    const page_address address{c.uri, c.request.query};
    const bool has_more = limit != 0 && rows.size() > offset + limit;
    std::string out;
    json_members(out)
        .raw("links", links_json(address, has_more ? fmt::format("{}", offset + limit) : ""))
        .texts("columns", columns)
        .raw("counts", fmt::format("[{}]", counts))
        .end();
    return json_response(200, std::move(out));
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

http_response monasca_alarming::list_history(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const auto first = query.time("start_time");
    const auto last = query.time("end_time");
    const auto filter = query.dimensions();
    const auto& all = of(c);
    // Of alarms that there are.
    const auto is_asked_for = [&](const state_change& change) {
        const auto at = all.alarms.find(change.alarm_id);
        return at != all.alarms.end() && (!first || change.at * 1000 >= *first) &&
               (!last || change.at * 1000 <= *last) &&
               (filter.all.empty() ||
                std::any_of(
                    at->second.metrics.begin(), at->second.metrics.end(), [&](const auto& m) {
                        return filter.admits(m.dimensions);
                    }));
    };
    return history_page(c, all.history, is_asked_for);
}

// Of an alarm that is gone, too; of one that never was there is none.
http_response monasca_alarming::show_history(const monasca_call& c) {
    return history_page(
        c, of(c).history, [&](const state_change& change) { return change.alarm_id == c.id; });
}

} // namespace monarc::sink
