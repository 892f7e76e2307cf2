#include "encode/json_writer.hpp"
#include "monasca_client/elements.hpp"
#include "monasca_client/state.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace monarc::monasca {

using detail::client_state;

namespace {

// --- queries

void add(ordered_pairs& to, std::string_view key, const std::string& value) {
    if (!value.empty()) {
        to.emplace_back(key, value);
    }
}

// `key:value` with commas; of an empty value the key alone.
void add(ordered_pairs& to, std::string_view key, const ordered_pairs& dimensions) {
    std::string text;
    for (const auto& [name, value] : dimensions) {
        text += text.empty() ? "" : ",";
        text += value.empty() ? name : name + ':' + value;
    }
    add(to, key, text);
}

void add_all(ordered_pairs& to, const ordered_pairs& extra) {
    to.insert(to.end(), extra.begin(), extra.end());
}

// --- bodies

class body {
public:
    body& add(std::string_view key, const std::string& text) {
        put_key(key);
        encode::put_json_text(text_, text);
        return *this;
    }
    body& add_raw(std::string_view key, std::string_view json) {
        put_key(key);
        text_ += json;
        return *this;
    }
    body& add(std::string_view key, const std::vector<std::string>& texts) {
        put_key(key);
        text_ += '[';
        for (const auto& one : texts) {
            text_ += &one == texts.data() ? "" : ",";
            encode::put_json_text(text_, one);
        }
        text_ += ']';
        return *this;
    }
    body& add(std::string_view key, const ordered_pairs& pairs) {
        body inner;
        for (const auto& [name, value] : pairs) {
            inner.add(name, value);
        }
        return add_raw(key, inner.json());
    }
    body& add(std::string_view key, bool value) { return add_raw(key, value ? "true" : "false"); }
    body& add(std::string_view key, std::int64_t value) {
        return add_raw(key, std::to_string(value));
    }
    template <class T>
    body& add(std::string_view key, const std::optional<T>& value) {
        return value ? add(key, *value) : *this;
    }
    std::string json() const { return text_ + "}"; }

private:
    void put_key(std::string_view key) {
        text_ += text_.size() == 1 ? "" : ",";
        encode::put_json_text(text_, key);
        text_ += ':';
    }
    std::string text_ = "{";
};

std::string json_of(const notification_change& what) {
    return body()
        .add("name", what.name)
        .add("type", what.type)
        .add("address", what.address)
        .add("period", what.period)
        .json();
}

std::string json_of(const definition_change& what) {
    return body()
        .add("name", what.name)
        .add("description", what.description)
        .add("expression", what.expression)
        .add("severity", what.severity)
        .add("match_by", what.match_by)
        .add("actions_enabled", what.actions_enabled)
        .add("alarm_actions", what.alarm_actions)
        .add("ok_actions", what.ok_actions)
        .add("undetermined_actions", what.undetermined_actions)
        .json();
}

std::string json_of(const alarm_state& what) {
    return body()
        .add("state", what.state)
        .add("lifecycle_state", what.lifecycle_state)
        .add("link", what.link)
        .json();
}

std::string json_of(const new_metric& what) {
    const auto time = what.time.value_or(std::chrono::system_clock::now());
    std::string value;
    encode::put_json_number(value, what.value);
    body made;
    made.add("name", what.name);
    made.add(
        "timestamp",
        std::int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())
                         .count()});
    made.add_raw("value", value);
    if (!what.dimensions.empty()) {
        made.add("dimensions", what.dimensions);
    }
    if (!what.value_meta.empty()) {
        made.add("value_meta", what.value_meta);
    }
    return made.json();
}

// --- requests

answer<reply> exchange(client_state* state, const call& what) {
    try {
        return state->send(what);
    } catch (const std::system_error& failed) { // TLS files
        return error{.code = failed.code(), .title = failed.what()};
    }
}

// `read` makes a result<T> of the body.
template <class T, class Read>
request<T> ask(client_state* state, call what, Read read) {
    return request<T>([state, what = std::move(what), read]() -> answer<T> {
        const auto said = exchange(state, what);
        if (!said) {
            return said.error();
        }
        auto made = read(said->body);
        if (!made) {
            return error{
                .code = made.error(),
                .status = said->status,
                .title = fmt::format("{} answered with something else than asked for", said->url),
                .description = said->body.substr(0, 200),
                .method = what.method,
                .url = said->url};
        }
        return std::move(*made);
    });
}

// `next`: the query of another page than the first, as the server gave it.
template <class T>
request<page<T>> ask_page(
    client_state* state, std::string path, ordered_pairs query = {}, const std::string& next = {}) {
    call what{.path = next.empty() ? path : path + '?' + next, .query = std::move(query)};
    return ask<page<T>>(
        state,
        std::move(what),
        [path = std::move(path)](const std::string& said) -> result<page<T>> {
            auto made = monasca_client::read_page<T>(said);
            if (made) {
                made->path = path;
            }
            return made;
        });
}

template <class T>
request<T>
ask_element(client_state* state, std::string_view method, std::string path, std::string sent = {}) {
    return ask<T>(
        state,
        {.method = std::string(method), .path = std::move(path), .body = std::move(sent)},
        monasca_client::read_element<T>);
}

request<done> ask_done(client_state* state, call what) {
    return ask<done>(
        state, std::move(what), [](const std::string&) { return result<done>(done()); });
}

ordered_pairs query_of(const measurement_filter& what) {
    ordered_pairs query;
    add(query, "name", what.name);
    add(query, "dimensions", what.dimensions);
    add(query, "start_time", what.start_time);
    add(query, "end_time", what.end_time);
    add(query, "period", what.period);
    add(query, "statistics", what.statistics);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "merge_metrics", std::string(what.merge_metrics ? "True" : ""));
    add(query, "group_by", what.group_by);
    add(query, "tenant_id", what.tenant_id);
    add_all(query, what.extra);
    return query;
}

ordered_pairs query_of(const dimension_filter& what, const std::string& dimension_name = {}) {
    ordered_pairs query;
    add(query, "dimension_name", dimension_name);
    for (const auto& name : what.metric_names) {
        add(query, "metric_name", name);
    }
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "tenant_id", what.tenant_id);
    add_all(query, what.extra);
    return query;
}

ordered_pairs query_of(const page_filter& what) {
    ordered_pairs query;
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "sort_by", what.sort_by);
    add_all(query, what.extra);
    return query;
}

ordered_pairs query_of(const alarm_filter& what) {
    ordered_pairs query;
    add(query, "alarm_definition_id", what.alarm_definition_id);
    add(query, "metric_name", what.metric_name);
    add(query, "metric_dimensions", what.metric_dimensions);
    add(query, "state", what.state);
    add(query, "severity", what.severity);
    add(query, "state_updated_start_time", what.state_updated_start_time);
    add(query, "lifecycle_state", what.lifecycle_state);
    add(query, "link", what.link);
    add(query, "group_by", what.group_by);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "sort_by", what.sort_by);
    add_all(query, what.extra);
    return query;
}

std::string at(std::string_view collection, const std::string& id) {
    return fmt::format("{}/{}", collection, id);
}

constexpr std::string_view notifications_path = "/notification-methods";
constexpr std::string_view definitions_path = "/alarm-definitions";
constexpr std::string_view alarms_path = "/alarms";

} // namespace

request_error::request_error(error why) : std::system_error(why.code, why.title), why_(why) {}

void detail::fail(const error& why) {
    throw request_error(why);
}

request<done> metrics_resource::create(new_metric what) const {
    if (!std::isfinite(what.value)) {
        return request<done>([]() -> answer<done> {
            return error{.code = errc::bad_series, .title = "the value of a metric must be finite"};
        });
    }
    call sent{.method = "POST", .path = "/metrics", .body = json_of(what)};
    add(sent.query, "tenant_id", what.tenant_id);
    return ask_done(state_, std::move(sent));
}

request<done> metrics_resource::create_json(std::string json, std::string tenant_id) const {
    call sent{.method = "POST", .path = "/metrics", .body = std::move(json)};
    add(sent.query, "tenant_id", tenant_id);
    return ask_done(state_, std::move(sent));
}

request<page<metric>> metrics_resource::list(metric_filter what) const {
    ordered_pairs query;
    add(query, "name", what.name);
    add(query, "dimensions", what.dimensions);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "start_time", what.start_time);
    add(query, "end_time", what.end_time);
    add(query, "tenant_id", what.tenant_id);
    add_all(query, what.extra);
    return ask_page<metric>(state_, "/metrics", std::move(query));
}

request<page<metric_name>> metrics_resource::list_names(name_filter what) const {
    ordered_pairs query;
    add(query, "dimensions", what.dimensions);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add(query, "tenant_id", what.tenant_id);
    add_all(query, what.extra);
    return ask_page<metric_name>(state_, "/metrics/names", std::move(query));
}

request<page<measurements>> metrics_resource::list_measurements(measurement_filter what) const {
    return ask_page<measurements>(state_, "/metrics/measurements", query_of(what));
}

request<page<statistics>> metrics_resource::list_statistics(measurement_filter what) const {
    return ask_page<statistics>(state_, "/metrics/statistics", query_of(what));
}

request<page<dimension_name>> metrics_resource::list_dimension_names(dimension_filter what) const {
    return ask_page<dimension_name>(state_, "/metrics/dimensions/names", query_of(what));
}

request<page<dimension_value>>
metrics_resource::list_dimension_values(std::string dimension_name, dimension_filter what) const {
    return ask_page<dimension_value>(
        state_, "/metrics/dimensions/names/values", query_of(what, dimension_name));
}

request<notification> notifications_resource::create(notification_change what) const {
    return ask_element<notification>(
        state_, "POST", std::string(notifications_path), json_of(what));
}

request<notification> notifications_resource::show(std::string id) const {
    return ask_element<notification>(state_, "GET", at(notifications_path, id));
}

request<page<notification>> notifications_resource::list(page_filter what) const {
    return ask_page<notification>(state_, std::string(notifications_path), query_of(what));
}

request<notification>
notifications_resource::update(std::string id, notification_change what) const {
    return ask_element<notification>(state_, "PUT", at(notifications_path, id), json_of(what));
}

request<notification>
notifications_resource::patch(std::string id, notification_change what) const {
    return ask_element<notification>(state_, "PATCH", at(notifications_path, id), json_of(what));
}

request<done> notifications_resource::remove(std::string id) const {
    return ask_done(state_, {.method = "DELETE", .path = at(notifications_path, id)});
}

request<page<notification_type>> notification_types_resource::list() const {
    return ask_page<notification_type>(state_, at(notifications_path, "types"));
}

request<alarm_definition> definitions_resource::create(definition_change what) const {
    return ask_element<alarm_definition>(
        state_, "POST", std::string(definitions_path), json_of(what));
}

request<alarm_definition> definitions_resource::show(std::string id) const {
    return ask_element<alarm_definition>(state_, "GET", at(definitions_path, id));
}

request<page<alarm_definition>> definitions_resource::list(definition_filter what) const {
    ordered_pairs query;
    add(query, "name", what.name);
    add(query, "dimensions", what.dimensions);
    add(query, "severity", what.severity);
    add(query, "sort_by", what.sort_by);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add_all(query, what.extra);
    return ask_page<alarm_definition>(state_, std::string(definitions_path), std::move(query));
}

request<alarm_definition>
definitions_resource::update(std::string id, definition_change what) const {
    return ask_element<alarm_definition>(state_, "PUT", at(definitions_path, id), json_of(what));
}

request<alarm_definition>
definitions_resource::patch(std::string id, definition_change what) const {
    return ask_element<alarm_definition>(state_, "PATCH", at(definitions_path, id), json_of(what));
}

request<done> definitions_resource::remove(std::string id) const {
    return ask_done(state_, {.method = "DELETE", .path = at(definitions_path, id)});
}

request<alarm_definition> alarms_resource::create(definition_change what) const {
    return ask_element<alarm_definition>(state_, "POST", std::string(alarms_path), json_of(what));
}

request<alarm> alarms_resource::show(std::string id) const {
    return ask_element<alarm>(state_, "GET", at(alarms_path, id));
}

request<page<alarm>> alarms_resource::list(alarm_filter what) const {
    return ask_page<alarm>(state_, std::string(alarms_path), query_of(what));
}

request<alarm> alarms_resource::update(std::string id, alarm_state what) const {
    return ask_element<alarm>(state_, "PUT", at(alarms_path, id), json_of(what));
}

request<alarm> alarms_resource::patch(std::string id, alarm_state what) const {
    return ask_element<alarm>(state_, "PATCH", at(alarms_path, id), json_of(what));
}

request<done> alarms_resource::remove(std::string id) const {
    return ask_done(state_, {.method = "DELETE", .path = at(alarms_path, id)});
}

request<alarm_counts> alarms_resource::count(alarm_filter what) const {
    return ask<alarm_counts>(
        state_,
        {.path = at(alarms_path, "count"), .query = query_of(what)},
        monasca_client::read_counts);
}

request<page<alarm_change>> alarms_resource::history(std::string id, page_filter what) const {
    return ask_page<alarm_change>(state_, at(alarms_path, id) + "/state-history", query_of(what));
}

request<page<alarm_change>> alarms_resource::history_list(history_filter what) const {
    ordered_pairs query;
    add(query, "dimensions", what.dimensions);
    add(query, "start_time", what.start_time);
    add(query, "end_time", what.end_time);
    add(query, "limit", what.limit);
    add(query, "offset", what.offset);
    add_all(query, what.extra);
    return ask_page<alarm_change>(state_, at(alarms_path, "state-history/"), std::move(query));
}

client::client(client_options options)
    : state_(std::make_unique<client_state>(std::move(options))) {}
client::~client() = default;
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;

request<reply> client::send(call what) const {
    return request<reply>(
        [state = state_.get(), what = std::move(what)] { return exchange(state, what); });
}

template <class T>
request<page<T>> client::follow(const page<T>& after) const {
    return ask_page<T>(state_.get(), after.path, {}, after.next);
}

template request<page<metric>> client::follow(const page<metric>&) const;
template request<page<metric_name>> client::follow(const page<metric_name>&) const;
template request<page<dimension_name>> client::follow(const page<dimension_name>&) const;
template request<page<dimension_value>> client::follow(const page<dimension_value>&) const;
template request<page<measurements>> client::follow(const page<measurements>&) const;
template request<page<statistics>> client::follow(const page<statistics>&) const;
template request<page<notification>> client::follow(const page<notification>&) const;
template request<page<alarm_definition>> client::follow(const page<alarm_definition>&) const;
template request<page<alarm>> client::follow(const page<alarm>&) const;
template request<page<alarm_change>> client::follow(const page<alarm_change>&) const;

void client::replace_token(secret token) {
    state_->replace_token(std::move(token));
}

} // namespace monarc::monasca
