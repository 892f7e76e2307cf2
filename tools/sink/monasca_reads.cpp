#include "sink/monasca_reads.hpp"

#include "sink/json_members.hpp"
#include "sink/monasca_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace monarc::sink {
namespace {

using series_list = std::vector<const stored_series*>;

constexpr std::string_view several_series =
    "Found multiple metrics matching metric name and dimensions. Please refine your search "
    "criteria using a unique metric name or additional dimensions. Alternatively, you may specify "
    "'merge_metrics=True' as a query parameter to combine all metrics matching search criteria "
    "into a single series.";

[[noreturn]] void fail_in_repository(std::string description) {
    throw monasca_refusal(
        {500, "The repository was unable to process your request", std::move(description)});
}

// From `first` to before `last`, in milliseconds.
struct time_range {
    std::int64_t first = std::numeric_limits<std::int64_t>::min();
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

std::int64_t round_up_to_milliseconds(std::int64_t microseconds) noexcept {
    const auto whole = microseconds / 1000;
    return microseconds > whole * 1000 ? whole + 1 : whole;
}

// Nothing if there is no start: Monasca looks at an end only together with one.
std::optional<time_range>
read_range(const monasca_query& query, bool needs_start, bool compares = true) {
    const auto start =
        needs_start ? query.required_time("start_time", "start time") : query.time("start_time");
    const auto end = query.time("end_time");
    if (compares && end && !start)
        throw monasca_refusal(
            {500,
             "Service unavailable",
             "'<' not supported between instances of 'NoneType' and 'float'"});
    if (compares && end && *start >= *end)
        throw monasca_refusal({400, "Bad request", "start_time must be before end_time"});
    if (!start)
        return std::nullopt;
    time_range range;
    range.first = round_up_to_milliseconds(*start);
    if (end)
        range.last = round_up_to_milliseconds(*end);
    return range;
}

bool has_points(const stored_series& s, const std::optional<time_range>& range) {
    if (!range)
        return true;
    const auto at = s.points.lower_bound(range->first);
    return at != s.points.end() && at->first < range->last;
}

series_list select(
    const monasca_store::series_map& all,
    std::string_view name,
    const dimension_filter& filter,
    const std::optional<time_range>& range) {
    series_list found;
    for (const auto& [key, s] : all)
        if ((name.empty() || s->name == name) && filter.admits(s->dimensions) &&
            has_points(*s, range))
            found.push_back(s.get());
    return found;
}

std::string page(const read_request& r, const std::string& elements, const std::string& next) {
    return page_json({r.uri, r.raw_query}, elements, next);
}

// A page of texts in their order, each an object with one member; the offset is the last one.
std::string
page_of_texts(const read_request& r, std::string_view member, const std::set<std::string>& all) {
    const auto limit = r.query.limit();
    const auto offset = r.query.find("offset");
    std::string elements;
    std::string last;
    std::size_t count = 0;
    for (auto at = offset ? all.upper_bound(*offset) : all.begin(); at != all.end(); ++at) {
        if (count == limit)
            return page(r, elements, last);
        if (count++ != 0)
            elements += ',';
        json_members(elements).text(member, *at).end();
        last = *at;
    }
    return page(r, elements, {});
}

// What one element of measurements or statistics is about.
struct group {
    dimension_list dimensions{};
    series_list series{};
};

std::string value_of(const dimension_list& dimensions, std::string_view key) {
    for (const auto& [name, value] : dimensions)
        if (name == key)
            return value;
    return {};
}

std::vector<group> group_by(const series_list& all, const std::vector<std::string>& keys) {
    const bool is_each = std::find(keys.begin(), keys.end(), "*") != keys.end();
    std::map<dimension_list, series_list> groups;
    for (const auto* s : all) {
        dimension_list of_group;
        for (const auto& key : keys)
            if (!is_each)
                of_group.emplace_back(key, value_of(s->dimensions, key));
        groups[is_each ? s->dimensions : of_group].push_back(s);
    }
    std::vector<group> made;
    for (auto& [dimensions, series] : groups)
        made.push_back({dimensions, std::move(series)});
    return made;
}

// The series that a read is about, as it wants them: one, merged, or in groups.
std::vector<group> read_groups(const read_request& r, std::string_view name) {
    const auto filter = r.query.dimensions();
    const auto all = select(r.series, name, filter, std::nullopt);
    const auto keys = r.query.group_by();
    if (!keys.empty())
        return group_by(all, keys);
    if (r.query.merges())
        return {group{filter.as_dimensions(), all}};
    if (all.size() > 1)
        throw monasca_refusal({409, "MultipleMetrics", std::string(several_series)});
    return all.empty() ? std::vector<group>() : std::vector<group>{{all.front()->dimensions, all}};
}

// `<id>_<time>` or a time; a time may be milliseconds.
struct page_offset {
    std::size_t id = 0;
    std::optional<std::int64_t> after{}; ///< Milliseconds.
};

page_offset read_offset(const monasca_query& query) {
    page_offset made;
    auto text = query.find("offset").value_or("");
    if (text.empty())
        return made;
    std::string_view time = text;
    if (const auto mark = text.find('_'); mark != std::string::npos) {
        const auto got = std::from_chars(text.data(), text.data() + mark, made.id);
        if (got.ec != std::errc() || got.ptr != text.data() + mark)
            fail_in_repository(fmt::format(
                "invalid literal for int() with base 10: {}",
                python::quoted(std::string_view(text).substr(0, mark))));
        time.remove_prefix(mark + 1);
    }
    std::int64_t milliseconds = 0;
    const auto got = std::from_chars(time.data(), time.data() + time.size(), milliseconds);
    if (got.ec == std::errc() && got.ptr == time.data() + time.size())
        made.after = milliseconds;
    else if (const auto at = read_time(time))
        made.after = *at / 1000;
    else
        fail_in_repository(fmt::format("invalid offset {}", text));
    return made;
}

struct row {
    std::int64_t milliseconds = 0;
    std::string json{};
};

// At most `count` measurements from `first` on, of all series together.
std::vector<row> read_points(const group& g, const time_range& range, std::size_t count) {
    std::vector<std::pair<std::int64_t, const stored_point*>> found;
    for (const auto* s : g.series) {
        std::size_t taken = 0;
        for (auto at = s->points.lower_bound(range.first);
             at != s->points.end() && at->first < range.last && taken < count;
             ++at, ++taken)
            found.emplace_back(at->first, &at->second);
    }
    std::stable_sort(
        found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    found.resize(std::min(found.size(), count));
    std::vector<row> rows;
    for (const auto& [at, point] : found)
        rows.push_back(
            {at,
             fmt::format(
                 "[\"{}\",{},{}]",
                 to_time(at, true),
                 point->value,
                 point->value_meta.empty() ? "{}" : point->value_meta)});
    return rows;
}

struct statistic_sum {
    std::uint64_t count = 0;
    double sum = 0;
    double min = std::numeric_limits<double>::infinity();
    double max = -std::numeric_limits<double>::infinity();

    void add(double value) {
        ++count;
        sum += value;
        min = std::min(min, value);
        max = std::max(max, value);
    }
    std::string json(std::string_view statistic) const {
        if (statistic == "count")
            return fmt::format("{}", count);
        if (statistic == "avg")
            return fmt::format("{}", sum / static_cast<double>(count));
        return fmt::format("{}", statistic == "sum" ? sum : statistic == "min" ? min : max);
    }
};

std::vector<row> read_buckets(
    const group& g,
    const time_range& range,
    std::int64_t period,
    const std::vector<std::string>& statistics) {
    std::map<std::int64_t, statistic_sum> buckets;
    for (const auto* s : g.series)
        for (auto at = s->points.lower_bound(range.first);
             at != s->points.end() && at->first < range.last;
             ++at) {
            const auto rest = at->first % period;
            buckets[at->first - rest - (rest < 0 ? period : 0)].add(at->second.value);
        }
    std::vector<row> rows;
    for (const auto& [at, sum] : buckets) {
        row made{at, fmt::format("[\"{}\"", to_time(at, false))};
        for (const auto& statistic : statistics)
            made.json += fmt::format(",{}", sum.json(statistic));
        made.json += ']';
        rows.push_back(std::move(made));
    }
    return rows;
}

// What measurements and statistics have in common: elements with rows, a limit over all of them.
template <class ReadRows>
std::string page_of_rows(
    const read_request& r,
    std::string_view name,
    std::string_view columns,
    std::string_view member,
    bool names_group,
    bool with_milliseconds,
    ReadRows read_rows) {
    const auto groups = read_groups(r, name);
    const auto offset = read_offset(r.query);
    auto room = r.query.limit();
    std::string elements;
    std::string last;
    std::size_t id = 0;
    if (room == 0)
        return page(r, {}, {});
    for (const auto& g : groups) {
        std::optional<std::int64_t> after;
        if (id == offset.id || !names_group)
            after = offset.after;
        if (id < offset.id) {
            id += read_rows(g, std::nullopt, 1).empty() ? 0 : 1;
            continue;
        }
        auto rows = read_rows(g, after, room + 1);
        if (rows.empty()) {
            id += after && !read_rows(g, std::nullopt, 1).empty() ? 1 : 0;
            continue;
        }
        if (room == 0)
            return page(r, elements, last);
        const bool has_more = rows.size() > room;
        rows.resize(std::min(rows.size(), room));
        room -= rows.size();
        last = to_time(rows.back().milliseconds, with_milliseconds);
        if (names_group)
            last = fmt::format("{}_{}", id, last);
        if (!elements.empty())
            elements += ',';
        json_members element(elements);
        element.text("id", fmt::format("{}", id)).text("name", name).name("dimensions");
        append_json_dimensions(elements, g.dimensions);
        element.raw("columns", columns).name(member);
        elements += '[';
        for (const auto& one : rows) {
            if (&one != rows.data())
                elements += ',';
            elements += one.json;
        }
        elements += ']';
        element.end();
        if (has_more)
            return page(r, elements, last);
        ++id;
    }
    return page(r, elements, {});
}

} // namespace

std::string list_metrics(const read_request& r) {
    const auto name = r.query.metric_name(false);
    const auto filter = r.query.dimensions();
    const auto range = read_range(r.query, false);
    const auto limit = r.query.limit();
    const auto all = select(r.series, name, filter, range);
    std::size_t at = 0;
    if (const auto offset = r.query.find("offset")) {
        const auto end = offset->data() + offset->size();
        const auto got = std::from_chars(offset->data(), end, at);
        if (got.ec != std::errc() || got.ptr != end)
            fail_in_repository(
                fmt::format("invalid literal for int() with base 10: {}", python::quoted(*offset)));
        at = std::min(at, all.size()) + 1;
    }
    std::string elements;
    for (std::size_t count = 0; at < all.size(); ++at, ++count) {
        if (count == limit)
            return page(r, elements, limit == 0 ? std::string() : fmt::format("{}", at - 1));
        if (count != 0)
            elements += ',';
        json_members element(elements);
        element.text("id", fmt::format("{}", at)).text("name", all[at]->name).name("dimensions");
        append_json_dimensions(elements, all[at]->dimensions);
        element.end();
    }
    return page(r, elements, {});
}

std::string list_metric_names(const read_request& r) {
    std::set<std::string> names;
    for (const auto* s : select(r.series, {}, r.query.dimensions(), std::nullopt))
        names.insert(s->name);
    return page_of_texts(r, "name", names);
}

std::string list_dimension_names(const read_request& r) {
    const auto name = r.query.find("metric_name").value_or("");
    const auto range = read_range(r.query, false, false);
    std::set<std::string> names;
    for (const auto* s : select(r.series, name, {}, range))
        for (const auto& dimension : s->dimensions)
            names.insert(dimension.first);
    return page_of_texts(r, "dimension_name", names);
}

std::string list_dimension_values(const read_request& r) {
    const auto name = r.query.find("metric_name").value_or("");
    const auto key = r.query.require("dimension_name", "dimension_name");
    const auto range = read_range(r.query, false, false);
    std::set<std::string> values;
    for (const auto* s : select(r.series, name, {}, range))
        for (const auto& [dimension, value] : s->dimensions)
            if (dimension == key)
                values.insert(value);
    return page_of_texts(r, "dimension_value", values);
}

std::string list_measurements(const read_request& r) {
    const auto name = r.query.metric_name(true);
    (void)r.query.dimensions(); // what is wrong with them comes before the times
    const auto range = *read_range(r.query, true);
    const auto read_rows =
        [&](const group& g, std::optional<std::int64_t> after, std::size_t count) {
            auto rest = range;
            if (after)
                rest.first = std::max(rest.first, *after + 1);
            return read_points(g, rest, count);
        };
    return page_of_rows(
        r, name, R"(["timestamp","value","value_meta"])", "measurements", true, true, read_rows);
}

std::string list_statistics(const read_request& r) {
    const auto name = r.query.metric_name(true);
    (void)r.query.dimensions();
    const auto range = *read_range(r.query, true);
    const auto statistics = r.query.statistics();
    const auto period = r.query.period() * 1000;
    if (period == 0)
        fail_in_repository("time dimension must have a duration greater than 0");
    const bool names_group = !r.query.group_by().empty();
    std::string columns = "[\"timestamp\"";
    for (const auto& statistic : statistics)
        columns += fmt::format(",\"{}\"", statistic);
    columns += ']';
    const auto read_rows =
        [&](const group& g, std::optional<std::int64_t> after, std::size_t count) {
            auto rest = range;
            if (after)
                rest.first = std::max(rest.first, *after + period);
            auto rows = read_buckets(g, rest, period, statistics);
            rows.resize(std::min(rows.size(), count));
            return rows;
        };
    return page_of_rows(r, name, columns, "statistics", names_group, false, read_rows);
}

} // namespace monarc::sink
