#include "monasca_client/ask.hpp"
#include "monasca_client/body.hpp"
#include "monasca_client/query.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace monarc::monasca {

using monasca_client::ask;
using monasca_client::ask_done;
using monasca_client::ask_element;
using monasca_client::ask_page;
using monasca_client::json_of;
using monasca_client::query_of;
using monasca_client::query_of_tenant;
using monasca_client::refused;

namespace {

std::string at(std::string_view collection, const std::string& id) {
    return fmt::format("{}/{}", collection, id);
}

constexpr std::string_view notifications_path = "/notification-methods";
constexpr std::string_view definitions_path = "/alarm-definitions";
constexpr std::string_view alarms_path = "/alarms";

} // namespace

request<done> metrics_resource::create(new_metric what) const {
    if (!std::isfinite(what.value)) {
        return refused<done>(
            {.code = errc::bad_series, .title = "the value of a metric must be finite"});
    }
    return ask_done(
        state_,
        {.method = "POST",
         .path = "/metrics",
         .query = query_of_tenant(what.tenant_id),
         .body = json_of(what)});
}

request<done> metrics_resource::create_json(std::string json, std::string tenant_id) const {
    return ask_done(
        state_,
        {.method = "POST",
         .path = "/metrics",
         .query = query_of_tenant(tenant_id),
         .body = std::move(json)});
}

request<page<metric>> metrics_resource::list(metric_filter what) const {
    return ask_page<metric>(state_, "/metrics", query_of(what));
}

request<page<metric_name>> metrics_resource::list_names(name_filter what) const {
    return ask_page<metric_name>(state_, "/metrics/names", query_of(what));
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
    return ask_page<alarm_definition>(state_, std::string(definitions_path), query_of(what));
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
    return ask_page<alarm_change>(state_, at(alarms_path, "state-history/"), query_of(what));
}

} // namespace monarc::monasca
