#pragma once

/// What Monasca's API is asked and what it says.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace monarc::monasca {

/// Sent in this order; a key may stand several times.
using ordered_pairs = std::vector<std::pair<std::string, std::string>>;

/// What the API sends, with the JSON it came as. A member that was not sent is empty.
struct metric {
    std::string name{};
    ordered_pairs dimensions{};
    std::string json{};
};

struct metric_name {
    std::string name{};
    std::string json{};
};

struct dimension_name {
    std::string name{};
    std::string json{};
};

struct dimension_value {
    std::string value{};
    std::string json{};
};

struct measurement {
    std::string timestamp{};
    double value = 0;
    ordered_pairs value_meta{};
};

/// Of one metric.
struct measurements {
    std::string name{};
    ordered_pairs dimensions{};
    std::vector<measurement> values{};
    std::string json{};
};

struct statistic {
    std::string timestamp{};
    std::vector<double> values{}; ///< in the order of `columns`
};

/// Of one metric.
struct statistics {
    std::string name{};
    ordered_pairs dimensions{};
    std::vector<std::string> columns{}; ///< without the time stamp
    std::vector<statistic> values{};
    std::string json{};
};

struct notification {
    std::string id{};
    std::string name{};
    std::string type{};
    std::string address{};
    std::int64_t period = 0; ///< seconds
    std::string json{};
};

struct notification_type {
    std::string type{};
    std::string json{};
};

struct alarm_definition {
    std::string id{};
    std::string name{};
    std::string description{};
    std::string expression{};
    std::string severity{};
    bool actions_enabled = false;
    std::vector<std::string> match_by{};
    std::vector<std::string> alarm_actions{};
    std::vector<std::string> ok_actions{};
    std::vector<std::string> undetermined_actions{};
    std::string json{};
};

struct alarm {
    std::string id{};
    std::string definition_id{};
    std::string definition_name{};
    std::string severity{};
    std::vector<metric> metrics{};
    std::string state{};
    std::string lifecycle_state{};
    std::string link{};
    std::string state_updated{};
    std::string updated{};
    std::string created{};
    std::string json{};
};

struct alarm_change {
    std::string alarm_id{};
    std::vector<metric> metrics{};
    std::string old_state{};
    std::string new_state{};
    std::string reason{};
    std::string reason_data{};
    std::string timestamp{};
    std::string json{};
};

/// A part of a list; client::follow gives the next one.
template <class T>
struct page {
    std::vector<T> elements{};
    std::string next{}; ///< empty: it is the last
    std::string path{}; ///< that was asked
};

/// What is asked for. A member that is empty is not sent; `extra` is, behind the others, in order.
/// Of dimensions a value that is empty means any.
struct metric_filter {
    std::string name{};
    ordered_pairs dimensions{};
    std::string start_time{};
    std::string end_time{};
    std::string limit{};
    std::string offset{};
    std::string tenant_id{};
    ordered_pairs extra{};
};

struct name_filter {
    ordered_pairs dimensions{};
    std::string limit{};
    std::string offset{};
    std::string tenant_id{};
    ordered_pairs extra{};
};

struct dimension_filter {
    std::vector<std::string> metric_names{};
    std::string limit{};
    std::string offset{};
    std::string tenant_id{};
    ordered_pairs extra{};
};

/// Of one series; of several with merge_metrics or group_by.
struct measurement_filter {
    std::string name{};
    std::string start_time{};
    std::string end_time{};
    ordered_pairs dimensions{};
    bool merge_metrics = false;
    std::string group_by{};
    std::string statistics{}; ///< for list_statistics: `avg,max`
    std::string period{};     ///< for list_statistics: seconds
    std::string limit{};
    std::string offset{};
    std::string tenant_id{};
    ordered_pairs extra{};
};

struct page_filter {
    std::string limit{};
    std::string offset{};
    std::string sort_by{}; ///< notifications only
    ordered_pairs extra{};
};

struct definition_filter {
    std::string name{};
    ordered_pairs dimensions{};
    std::string severity{};
    std::string sort_by{};
    std::string limit{};
    std::string offset{};
    ordered_pairs extra{};
};

struct alarm_filter {
    std::string alarm_definition_id{};
    std::string metric_name{};
    ordered_pairs metric_dimensions{};
    std::string state{};
    std::string severity{};
    std::string state_updated_start_time{};
    std::string lifecycle_state{};
    std::string link{};
    std::string group_by{}; ///< for count
    std::string limit{};
    std::string offset{};
    std::string sort_by{}; ///< for list
    ordered_pairs extra{};
};

struct history_filter {
    ordered_pairs dimensions{};
    std::string start_time{};
    std::string end_time{};
    std::string limit{};
    std::string offset{};
    ordered_pairs extra{};
};

/// What is created or changed: what has a value is sent. An update wants all of it.
struct new_metric {
    std::string name{};
    double value = 0; ///< finite
    ordered_pairs dimensions{};
    std::optional<std::chrono::system_clock::time_point> time{}; ///< empty: now
    ordered_pairs value_meta{};
    std::string tenant_id{};
};

struct notification_change {
    std::optional<std::string> name{};
    std::optional<std::string> type{};
    std::optional<std::string> address{};
    std::optional<std::int64_t> period{};
};

struct definition_change {
    std::optional<std::string> name{};
    std::optional<std::string> description{};
    std::optional<std::string> expression{};
    std::optional<std::string> severity{};
    std::optional<std::vector<std::string>> match_by{};
    std::optional<bool> actions_enabled{};
    std::optional<std::vector<std::string>> alarm_actions{};
    std::optional<std::vector<std::string>> ok_actions{};
    std::optional<std::vector<std::string>> undetermined_actions{};
};

struct alarm_state {
    std::optional<std::string> state{};
    std::optional<std::string> lifecycle_state{};
    std::optional<std::string> link{};
};

/// A table of counts; the first column is the count.
struct alarm_counts {
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> rows{};
    std::string json{};
};

/// Nothing but that it was done.
struct done {};

} // namespace monarc::monasca
