#include "monasca_client/elements.hpp"

#include <monarc/error.hpp>

#include <simdjson.h>

#include <cstdint>

namespace monarc::monasca_client {
namespace {

namespace dom = simdjson::dom;
using namespace monasca;

// A text as it is; of anything else its JSON.
std::string text_of(const dom::element& held) {
    std::string_view text;
    if (held.get(text) == simdjson::SUCCESS) {
        return std::string(text);
    }
    return held.is_null() ? std::string() : simdjson::minify(held);
}

std::string text_at(const dom::element& in, std::string_view key) {
    dom::element held;
    return in[key].get(held) == simdjson::SUCCESS ? text_of(held) : std::string();
}

double number_of(const dom::element& held) {
    double value = 0;
    return held.get(value) == simdjson::SUCCESS ? value : 0;
}

dom::array array_at(const dom::element& in, std::string_view key, bool& is_there) {
    dom::array held;
    is_there = in[key].get(held) == simdjson::SUCCESS;
    return held;
}

template <class Take>
void each(const dom::element& in, std::string_view key, Take&& take) {
    bool is_there = false;
    const auto all = array_at(in, key, is_there);
    if (is_there) {
        for (const auto one : all) {
            take(one);
        }
    }
}

std::vector<std::string> texts_at(const dom::element& in, std::string_view key) {
    std::vector<std::string> texts;
    each(in, key, [&](const dom::element& one) { texts.push_back(text_of(one)); });
    return texts;
}

ordered_pairs pairs_of(const dom::element& held) {
    ordered_pairs pairs;
    dom::object members;
    if (held.get(members) == simdjson::SUCCESS) {
        for (const auto [key, value] : members) {
            pairs.emplace_back(key, text_of(value));
        }
    }
    return pairs;
}

ordered_pairs pairs_at(const dom::element& in, std::string_view key) {
    dom::element held;
    return in[key].get(held) == simdjson::SUCCESS ? pairs_of(held) : ordered_pairs();
}

std::vector<dom::element> cells_of(const dom::element& row) {
    std::vector<dom::element> cells;
    dom::array held;
    if (row.get(held) == simdjson::SUCCESS) {
        for (const auto one : held) {
            cells.push_back(one);
        }
    }
    return cells;
}

void read(const dom::element& in, metric& to) {
    to.name = text_at(in, "name");
    to.dimensions = pairs_at(in, "dimensions");
}

void read(const dom::element& in, metric_name& to) {
    to.name = text_at(in, "name");
}

void read(const dom::element& in, dimension_name& to) {
    to.name = text_at(in, "dimension_name");
}

void read(const dom::element& in, dimension_value& to) {
    to.value = text_at(in, "dimension_value");
}

void read(const dom::element& in, measurements& to) {
    to.name = text_at(in, "name");
    to.dimensions = pairs_at(in, "dimensions");
    each(in, "measurements", [&](const dom::element& row) {
        const auto cells = cells_of(row);
        if (cells.size() >= 2) {
            to.values.push_back(
                {.timestamp = text_of(cells[0]),
                 .value = number_of(cells[1]),
                 .value_meta = cells.size() > 2 ? pairs_of(cells[2]) : ordered_pairs()});
        }
    });
}

void read(const dom::element& in, statistics& to) {
    to.name = text_at(in, "name");
    to.dimensions = pairs_at(in, "dimensions");
    to.columns = texts_at(in, "columns");
    std::size_t time = 0;
    while (time < to.columns.size() && to.columns[time] != "timestamp") {
        ++time;
    }
    each(in, "statistics", [&](const dom::element& row) {
        const auto cells = cells_of(row);
        auto& made = to.values.emplace_back();
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i == time) {
                made.timestamp = text_of(cells[i]);
            } else {
                made.values.push_back(number_of(cells[i]));
            }
        }
    });
    std::erase(to.columns, "timestamp");
}

void read(const dom::element& in, notification& to) {
    to.id = text_at(in, "id");
    to.name = text_at(in, "name");
    to.type = text_at(in, "type");
    to.address = text_at(in, "address");
    std::int64_t period = 0;
    to.period = in["period"].get(period) == simdjson::SUCCESS ? period : 0;
}

void read(const dom::element& in, notification_type& to) {
    to.type = text_at(in, "type");
}

void read(const dom::element& in, alarm_definition& to) {
    to.id = text_at(in, "id");
    to.name = text_at(in, "name");
    to.description = text_at(in, "description");
    to.expression = text_at(in, "expression");
    to.severity = text_at(in, "severity");
    to.actions_enabled = text_at(in, "actions_enabled") == "true";
    to.match_by = texts_at(in, "match_by");
    to.alarm_actions = texts_at(in, "alarm_actions");
    to.ok_actions = texts_at(in, "ok_actions");
    to.undetermined_actions = texts_at(in, "undetermined_actions");
}

void read(const dom::element& in, alarm& to);
void read(const dom::element& in, alarm_change& to);

template <class T>
T read_one(const dom::element& in) {
    T made;
    read(in, made);
    made.json = simdjson::minify(in);
    return made;
}

std::vector<metric> metrics_at(const dom::element& in) {
    std::vector<metric> all;
    each(in, "metrics", [&](const dom::element& one) { all.push_back(read_one<metric>(one)); });
    return all;
}

void read(const dom::element& in, alarm& to) {
    to.id = text_at(in, "id");
    dom::element definition;
    if (in["alarm_definition"].get(definition) == simdjson::SUCCESS) {
        to.definition_id = text_at(definition, "id");
        to.definition_name = text_at(definition, "name");
        to.severity = text_at(definition, "severity");
    }
    to.metrics = metrics_at(in);
    to.state = text_at(in, "state");
    to.lifecycle_state = text_at(in, "lifecycle_state");
    to.link = text_at(in, "link");
    to.state_updated = text_at(in, "state_updated_timestamp");
    to.updated = text_at(in, "updated_timestamp");
    to.created = text_at(in, "created_timestamp");
}

void read(const dom::element& in, alarm_change& to) {
    to.alarm_id = text_at(in, "alarm_id");
    to.metrics = metrics_at(in);
    to.old_state = text_at(in, "old_state");
    to.new_state = text_at(in, "new_state");
    to.reason = text_at(in, "reason");
    to.reason_data = text_at(in, "reason_data");
    to.timestamp = text_at(in, "timestamp");
}

std::string next_of(const dom::element& root) {
    std::string next;
    each(root, "links", [&](const dom::element& link) {
        if (text_at(link, "rel") == "next") {
            const auto href = text_at(link, "href");
            const auto query = href.find('?');
            next = query == href.npos ? "" : href.substr(query + 1);
        }
    });
    return next;
}

} // namespace

template <class T>
result<T> read_element(const std::string& body) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(body).get(root) != simdjson::SUCCESS || !root.is_object()) {
        return make_error_code(errc::bad_data);
    }
    return read_one<T>(root);
}

template <class T>
result<page<T>> read_page(const std::string& body) {
    dom::parser parser;
    dom::element root;
    dom::array elements;
    if (parser.parse(body).get(root) != simdjson::SUCCESS ||
        (root.get(elements) != simdjson::SUCCESS &&
         root["elements"].get(elements) != simdjson::SUCCESS)) {
        return make_error_code(errc::bad_data);
    }
    page<T> made;
    for (const auto one : elements) {
        made.elements.push_back(read_one<T>(one));
    }
    made.next = root.is_object() ? next_of(root) : std::string();
    return made;
}

template result<notification> read_element(const std::string&);
template result<alarm_definition> read_element(const std::string&);
template result<alarm> read_element(const std::string&);
template result<page<metric>> read_page(const std::string&);
template result<page<metric_name>> read_page(const std::string&);
template result<page<dimension_name>> read_page(const std::string&);
template result<page<dimension_value>> read_page(const std::string&);
template result<page<measurements>> read_page(const std::string&);
template result<page<statistics>> read_page(const std::string&);
template result<page<notification>> read_page(const std::string&);
template result<page<notification_type>> read_page(const std::string&);
template result<page<alarm_definition>> read_page(const std::string&);
template result<page<alarm>> read_page(const std::string&);
template result<page<alarm_change>> read_page(const std::string&);

result<alarm_counts> read_counts(const std::string& body) {
    dom::parser parser;
    dom::element root;
    dom::array counts;
    if (parser.parse(body).get(root) != simdjson::SUCCESS ||
        root["counts"].get(counts) != simdjson::SUCCESS) {
        return make_error_code(errc::bad_data);
    }
    alarm_counts made{.columns = texts_at(root, "columns"), .json = simdjson::minify(root)};
    for (const auto row : counts) {
        auto& cells = made.rows.emplace_back();
        for (const auto& one : cells_of(row)) {
            cells.push_back(text_of(one));
        }
    }
    return made;
}

} // namespace monarc::monasca_client
