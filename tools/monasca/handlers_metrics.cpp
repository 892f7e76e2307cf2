#include "encode/json_writer.hpp"
#include "monasca/handlers.hpp"
#include "monasca/raw_metrics.hpp"
#include "monasca/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace monarc::tool {
namespace {

using sink::python::kind;

constexpr std::string_view created = "Successfully created metric";

std::int64_t now_milliseconds() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string float_in_json(const std::string& text) {
    double value = 0;
    read_number(text, value);
    std::string out;
    encode::put_json_number(out, value);
    return out.find_first_of(".e") == out.npos ? out + ".0" : out;
}

// Rows of an element: what its member `key` lists.
const std::vector<sink::python::member>& rows_of(const json_value& element, std::string_view key) {
    static const std::vector<sink::python::member> none;
    const auto* const rows = element.find(key);
    return rows == nullptr ? none : rows->members;
}

// The value at a place of a row; null beyond its end.
const json_value* at(const sink::python::member& row, std::size_t place) {
    return place < row.held.members.size() ? &row.held.members[place].held : nullptr;
}

// Where a name stands in the element's columns; beyond all rows: nowhere.
std::size_t place_of(const json_value& element, std::string_view name) {
    const auto& columns = rows_of(element, "columns");
    const auto found = std::find_if(
        columns.begin(), columns.end(), [&](const auto& one) { return one.held.text == name; });
    return static_cast<std::size_t>(found - columns.begin());
}

// 1.0.1's servers put an id in front.
std::size_t shift_of(const json_value& element) {
    const auto& columns = rows_of(element, "columns");
    return !columns.empty() && columns.front().held.text == "id" ? 1 : 0;
}

template <class Cell>
std::string lines(const json_value& element, std::string_view rows, std::size_t place, Cell cell) {
    std::vector<std::string> all;
    for (const auto& row : rows_of(element, rows)) {
        const auto* const held = at(row, place);
        all.push_back(held == nullptr ? std::string() : cell(*held));
    }
    return joined_lines(all);
}

std::string meta_cell(const json_value& v) {
    if (v.kind != kind::object) {
        return v.kind == kind::none ? std::string() : plain_cell(v);
    }
    std::vector<std::string> parts;
    for (const auto& m : v.members) {
        parts.push_back(fmt::format("{}: {}", m.key, plain_cell(m.held)));
    }
    return fmt::format("{}", fmt::join(parts, ","));
}

std::string measured_times(const json_value*, const json_value& element) {
    return lines(element, "measurements", shift_of(element), plain_cell);
}

std::string measured_values(const json_value*, const json_value& element) {
    return lines(element, "measurements", shift_of(element) + 1, number_cell);
}

std::string measured_meta(const json_value*, const json_value& element) {
    return lines(element, "measurements", shift_of(element) + 2, meta_cell);
}

} // namespace

void create_metric(session& s) {
    body b;
    b.add("name", s.text("name"));
    const auto add_pairs = [&](std::string_view key) {
        if (s.is_given(key)) {
            b.add_json(key, pairs_in_body(read_pairs(s.given().all(key), bare_keys::are_wrong)));
        }
    };
    add_pairs("dimensions");
    b.add_json(
        "timestamp",
        s.is_given("timestamp") ? integer_in_json(s.text("timestamp"))
                                : std::to_string(now_milliseconds()));
    b.add_json("value", float_in_json(s.text("value")));
    add_pairs("value_meta");
    s.ask({.method = "POST", .path = "/metrics", .query = s.query(), .body = b.json()});
    s.print_line(created);
}

void create_raw_metric(session& s) {
    const auto text = s.text("json");
    if (text == "-" || text.starts_with('@')) {
        send_metrics_of(s, text);
    } else {
        s.ask(raw_metric_call(text));
    }
    s.print_line(created);
}

void list_metric_names(session& s) {
    constexpr column columns[] = {{"Name", "name", plain}};
    s.list({.path = "/metrics/names", .query = s.query()}, columns);
}

void list_metrics(session& s) {
    constexpr column columns[] = {{"name", "name", plain}, {"dimensions", "dimensions", dict}};
    s.list({.path = "/metrics", .query = s.query()}, columns);
}

void list_dimension_names(session& s) {
    constexpr column columns[] = {{"Dimension Names", "dimension_name", plain}};
    s.list({.path = "/metrics/dimensions/names", .query = s.query()}, columns);
}

void list_dimension_values(session& s) {
    constexpr column columns[] = {{"Dimension Values", "dimension_value", plain}};
    s.list({.path = "/metrics/dimensions/names/values", .query = s.query()}, columns);
}

void list_measurements(session& s) {
    constexpr column columns[] = {
        {"name", "name", plain},
        {"dimensions", "dimensions", dict},
        {"timestamp", "", measured_times},
        {"value", "", measured_values},
        {"value_meta", "", measured_meta}};
    s.list({.path = "/metrics/measurements", .query = s.query()}, columns);
}

void list_statistics(session& s) {
    for (const auto& one : split(s.text("statistics"), ',')) {
        const auto word = upper(one);
        if (word != "AVG" && word != "MIN" && word != "MAX" && word != "COUNT" && word != "SUM") {
            throw failure{"Invalid type, not one of [AVG, MIN, MAX, COUNT, SUM]"};
        }
    }
    const auto pages = s.pages({.path = "/metrics/statistics", .query = s.query()});
    if (s.print_elements(pages)) {
        return;
    }
    // The heads are those of the first element; each element has places of its own.
    std::vector<std::string> heads{"name", "dimensions"};
    const auto& first = session::elements_of(pages.front()).members;
    if (!first.empty()) {
        for (const auto& one : rows_of(first.front().held, "columns")) {
            heads.push_back(plain_cell(one.held));
        }
    }
    text_table table(heads);
    for (const auto& page : pages) {
        for (const auto& [key, element] : session::elements_of(page).members) {
            std::vector<std::string> cells{
                plain(element.find("name"), element), dict(element.find("dimensions"), element)};
            for (std::size_t i = 2; i < heads.size(); ++i) {
                const auto place = place_of(element, heads[i]);
                cells.push_back(
                    heads[i] == "timestamp" ? lines(element, "statistics", place, plain_cell)
                                            : lines(element, "statistics", place, number_cell));
            }
            table.add(std::move(cells));
        }
    }
    s.print_table(table, {});
}

} // namespace monarc::tool
