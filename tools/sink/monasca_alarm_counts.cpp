// How many alarms there are, altogether or in groups.

#include "sink/json_members.hpp"
#include "sink/monasca_alarm_filter.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_page.hpp"
#include "sink/monasca_sort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace monarc::sink {
namespace {

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

} // namespace

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

} // namespace monarc::sink
