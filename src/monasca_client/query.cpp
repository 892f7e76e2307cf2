#include "monasca_client/query.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace monarc::monasca_client {

using monasca::ordered_pairs;

namespace {

// `key:value` with commas; of an empty value the key alone.
std::string text_of(const ordered_pairs& dimensions) {
    std::string text;
    for (const auto& [name, value] : dimensions) {
        text += text.empty() ? "" : ",";
        text += value.empty() ? name : name + ':' + value;
    }
    return text;
}

struct parameter {
    parameter(std::string_view key_, std::string value_) : key(key_), value(std::move(value_)) {}
    parameter(std::string_view key_, const ordered_pairs& dimensions)
        : key(key_), value(text_of(dimensions)) {}

    std::string_view key;
    std::string value;
};

ordered_pairs query(std::initializer_list<parameter> parameters, const ordered_pairs& extra = {}) {
    ordered_pairs made;
    for (const auto& one : parameters) {
        if (!one.value.empty()) {
            made.emplace_back(one.key, one.value);
        }
    }
    made.insert(made.end(), extra.begin(), extra.end());
    return made;
}

} // namespace

ordered_pairs query_of(const monasca::metric_filter& what) {
    return query(
        {{"name", what.name},
         {"dimensions", what.dimensions},
         {"limit", what.limit},
         {"offset", what.offset},
         {"start_time", what.start_time},
         {"end_time", what.end_time},
         {"tenant_id", what.tenant_id}},
        what.extra);
}

ordered_pairs query_of(const monasca::name_filter& what) {
    return query(
        {{"dimensions", what.dimensions},
         {"limit", what.limit},
         {"offset", what.offset},
         {"tenant_id", what.tenant_id}},
        what.extra);
}

ordered_pairs query_of(const monasca::dimension_filter& what, const std::string& dimension_name) {
    auto made = query({{"dimension_name", dimension_name}});
    for (const auto& name : what.metric_names) {
        made.emplace_back("metric_name", name);
    }
    const auto rest = query(
        {{"limit", what.limit}, {"offset", what.offset}, {"tenant_id", what.tenant_id}},
        what.extra);
    made.insert(made.end(), rest.begin(), rest.end());
    return made;
}

ordered_pairs query_of(const monasca::measurement_filter& what) {
    return query(
        {{"name", what.name},
         {"dimensions", what.dimensions},
         {"start_time", what.start_time},
         {"end_time", what.end_time},
         {"period", what.period},
         {"statistics", what.statistics},
         {"limit", what.limit},
         {"offset", what.offset},
         {"merge_metrics", std::string(what.merge_metrics ? "True" : "")},
         {"group_by", what.group_by},
         {"tenant_id", what.tenant_id}},
        what.extra);
}

ordered_pairs query_of(const monasca::page_filter& what) {
    return query(
        {{"limit", what.limit}, {"offset", what.offset}, {"sort_by", what.sort_by}}, what.extra);
}

ordered_pairs query_of(const monasca::definition_filter& what) {
    return query(
        {{"name", what.name},
         {"dimensions", what.dimensions},
         {"severity", what.severity},
         {"sort_by", what.sort_by},
         {"limit", what.limit},
         {"offset", what.offset}},
        what.extra);
}

ordered_pairs query_of(const monasca::alarm_filter& what) {
    return query(
        {{"alarm_definition_id", what.alarm_definition_id},
         {"metric_name", what.metric_name},
         {"metric_dimensions", what.metric_dimensions},
         {"state", what.state},
         {"severity", what.severity},
         {"state_updated_start_time", what.state_updated_start_time},
         {"lifecycle_state", what.lifecycle_state},
         {"link", what.link},
         {"group_by", what.group_by},
         {"limit", what.limit},
         {"offset", what.offset},
         {"sort_by", what.sort_by}},
        what.extra);
}

ordered_pairs query_of(const monasca::history_filter& what) {
    return query(
        {{"dimensions", what.dimensions},
         {"start_time", what.start_time},
         {"end_time", what.end_time},
         {"limit", what.limit},
         {"offset", what.offset}},
        what.extra);
}

ordered_pairs query_of_tenant(const std::string& id) {
    return query({{"tenant_id", id}});
}

} // namespace monarc::monasca_client
