#include "monasca/definition.hpp"

namespace monarc::tool {
namespace {

using enum value_kind;
using argument = argument_definition;

// What several commands share.
constexpr argument offset{
    .name = "--offset", .key = "offset", .value = "ID", .help = "begin behind this element"};
constexpr argument limit{
    .name = "--limit", .key = "limit", .value = "COUNT", .help = "at most so many elements"};
constexpr argument tenant{
    .name = "--tenant-id",
    .key = "tenant_id",
    .value = "ID",
    .help = "of another project, for those who may"};
constexpr argument dimensions{
    .name = "--dimensions",
    .key = "dimensions",
    .kind = pairs,
    .value = "KEY1=VALUE1,...",
    .help = "that it must have; a bare key: with any value; repeatable, then without commas"};
constexpr argument strict_dimensions{
    .name = "--dimensions",
    .key = "dimensions",
    .kind = strict_pairs,
    .value = "KEY1=VALUE1,...",
    .help = "its dimensions; repeatable, then without commas"};
constexpr argument start{
    .name = "--starttime",
    .key = "start_time",
    .kind = start_time,
    .value = "TIME",
    .help = "from 2014-01-01T00:00:00Z on, or -120: from 120 minutes ago"};
constexpr argument end{
    .name = "--endtime", .key = "end_time", .value = "TIME", .help = "up to this UTC time"};
constexpr argument from{
    .name = "<starttime>",
    .key = "start_time",
    .kind = start_time,
    .help = "2014-01-01T00:00:00Z, or -120: 120 minutes ago"};
constexpr argument merge{
    .name = "--merge_metrics",
    .key = "merge_metrics",
    .kind = flag,
    .help = "make one of all that match",
    .alias = "--merge-metrics"};
constexpr argument group{
    .name = "--group_by",
    .key = "group_by",
    .value = "KEY1,KEY2,...",
    .help = "one result per value of these dimensions; * for each metric",
    .alias = "--group-by"};
constexpr argument metric_name{.name = "<name>", .key = "name", .help = "of the metric"};
constexpr argument metric_filter{
    .name = "--metric-name",
    .key = "metric_name",
    .kind = text_list,
    .value = "NAME",
    .help = "only of this metric; repeatable"};
constexpr argument alarm_id{.name = "<id>", .key = "id", .help = "of the alarm"};
constexpr argument definition_id{.name = "<id>", .key = "id", .help = "of the alarm definition"};
constexpr argument notification_id{.name = "<id>", .key = "id", .help = "of the notification"};
constexpr argument severity{
    .name = "--severity",
    .key = "severity",
    .value = "SEVERITY",
    .help = "LOW, MEDIUM, HIGH or CRITICAL"};
constexpr argument state{
    .name = "--state", .key = "state", .value = "STATE", .help = "UNDETERMINED, ALARM or OK"};
constexpr argument sort_by{
    .name = "--sort-by",
    .key = "sort_by",
    .value = "FIELD1 [asc|desc],...",
    .help = "the server's order of the elements"};
constexpr argument name_option{
    .name = "--name", .key = "name", .value = "NAME", .help = "its name"};
constexpr argument description{
    .name = "--description", .key = "description", .value = "TEXT", .help = "for people"};
constexpr argument expression_option{
    .name = "--expression", .key = "expression", .value = "EXPRESSION", .help = "when it alarms"};
constexpr argument alarm_actions{
    .name = "--alarm-actions",
    .key = "alarm_actions",
    .kind = text_list,
    .value = "ID",
    .help = "a notification for state ALARM; repeatable"};
constexpr argument ok_actions{
    .name = "--ok-actions",
    .key = "ok_actions",
    .kind = text_list,
    .value = "ID",
    .help = "a notification for state OK; repeatable"};
constexpr argument undetermined_actions{
    .name = "--undetermined-actions",
    .key = "undetermined_actions",
    .kind = text_list,
    .value = "ID",
    .help = "a notification for state UNDETERMINED; repeatable"};
constexpr argument actions_enabled{
    .name = "--actions-enabled",
    .key = "actions_enabled",
    .value = "True|False",
    .help = "whether it notifies"};
constexpr argument lifecycle{
    .name = "--lifecycle-state", .key = "lifecycle_state", .value = "TEXT", .help = "free text"};
constexpr argument link{.name = "--link", .key = "link", .value = "URL", .help = "free text"};
constexpr argument definition_filter{
    .name = "--alarm-definition-id",
    .key = "alarm_definition_id",
    .value = "ID",
    .help = "only of this definition"};
constexpr argument one_metric{
    .name = "--metric-name", .key = "metric_name", .value = "NAME", .help = "only of this metric"};
constexpr argument metric_dimensions{
    .name = "--metric-dimensions",
    .key = "metric_dimensions",
    .kind = pairs,
    .value = "KEY1=VALUE1,...",
    .help = "that the metric must have; a bare key: with any value"};
constexpr argument updated_start{
    .name = "--state-updated-start-time",
    .key = "state_updated_start_time",
    .value = "TIME",
    .help = "whose state changed since this UTC time"};

constexpr argument metric_create[] = {
    metric_name,
    {.name = "<value>", .key = "value", .kind = number, .help = "a number"},
    strict_dimensions,
    {.name = "--value-meta",
     .key = "value_meta",
     .kind = strict_pairs,
     .value = "KEY1=VALUE1,...",
     .help = "said with the value"},
    {.name = "--time",
     .key = "timestamp",
     .kind = integer,
     .value = "MILLISECONDS",
     .help = "since 1970; default now"},
    {.name = "--project-id",
     .key = "tenant_id",
     .value = "ID",
     .help = "of another project, for those who may"}};
constexpr argument metric_create_raw[] = {
    {.name = "<json>",
     .key = "json",
     .kind = json,
     .help = "a metric or an array of them as JSON; - reads standard input and @FILE a file, one "
             "metric a line or an array, sent in batches of 500"}};

constexpr argument metric_name_list[] = {dimensions, offset, limit, tenant};

constexpr argument metric_list[] = {name_option, dimensions, start, end, offset, limit, tenant};

constexpr argument dimension_name_list[] = {metric_filter, offset, limit, tenant};

constexpr argument dimension_value_list[] = {
    {.name = "<dimension_name>", .key = "dimension_name", .help = "whose values"},
    metric_filter,
    offset,
    limit,
    tenant};

constexpr argument measurement_list[] = {
    metric_name, from, dimensions, end, offset, limit, merge, group, tenant};

constexpr argument metric_statistics[] = {
    metric_name,
    {.name = "<statistics>", .key = "statistics", .help = "a list of AVG, MIN, MAX, COUNT, SUM"},
    from,
    dimensions,
    end,
    {.name = "--period", .key = "period", .value = "SECONDS", .help = "of each value; default 300"},
    offset,
    limit,
    merge,
    group,
    tenant};

constexpr argument notification_create[] = {
    {.name = "<name>", .key = "name", .help = "its name"},
    {.name = "<type>", .key = "type", .help = "EMAIL, WEBHOOK, PAGERDUTY ..."},
    {.name = "<address>", .key = "address", .help = "where it goes"},
    {.name = "--period",
     .key = "period",
     .kind = integer,
     .value = "SECONDS",
     .help = "between repeats; default 0: none"}};
constexpr argument only_notification[] = {notification_id};
constexpr argument notification_list[] = {sort_by, offset, limit};
constexpr argument notification_update[] = {
    notification_id,
    {.name = "<name>", .key = "name", .help = "its name"},
    {.name = "<type>", .key = "type", .help = "EMAIL, WEBHOOK, PAGERDUTY ..."},
    {.name = "<address>", .key = "address", .help = "where it goes"},
    {.name = "<period>",
     .key = "period",
     .kind = integer,
     .help = "seconds between repeats; 0: none",
     .is_optional = true}};
constexpr argument notification_patch[] = {
    notification_id,
    name_option,
    {.name = "--type", .key = "type", .value = "TYPE", .help = "EMAIL, WEBHOOK, PAGERDUTY ..."},
    {.name = "--address", .key = "address", .value = "ADDRESS", .help = "where it goes"},
    {.name = "--period",
     .key = "period",
     .kind = integer,
     .value = "SECONDS",
     .help = "between repeats; 0: none"}};

constexpr argument definition_create[] = {
    {.name = "<name>", .key = "name", .help = "its name"},
    {.name = "<expression>", .key = "expression", .help = "when it alarms: max(cpu.load) > 8"},
    description,
    severity,
    {.name = "--match-by",
     .key = "match_by",
     .value = "KEY1,KEY2,...",
     .help = "dimensions of which each value gets an alarm of its own"},
    alarm_actions,
    ok_actions,
    undetermined_actions};
constexpr argument only_definition[] = {definition_id};
constexpr argument definition_list[] = {
    {.name = "--name", .key = "name", .value = "NAME", .help = "only of this name"},
    dimensions,
    severity,
    sort_by,
    offset,
    limit};
constexpr argument definition_update[] = {
    definition_id,
    {.name = "<name>", .key = "name", .help = "its name"},
    {.name = "<description>", .key = "description", .help = "for people"},
    {.name = "<expression>", .key = "expression", .help = "when it alarms"},
    {.name = "<alarm_actions>", .key = "alarm_actions", .help = "ids, or [] for none"},
    {.name = "<ok_actions>", .key = "ok_actions", .help = "ids, or [] for none"},
    {.name = "<undetermined_actions>", .key = "undetermined_actions", .help = "ids, or []"},
    {.name = "<actions_enabled>", .key = "actions_enabled", .help = "True or False"},
    {.name = "<match_by>", .key = "match_by", .help = "dimensions, or [] for none"},
    {.name = "<severity>", .key = "severity", .help = "LOW, MEDIUM, HIGH or CRITICAL"}};
constexpr argument definition_patch[] = {
    definition_id,
    name_option,
    description,
    expression_option,
    alarm_actions,
    ok_actions,
    undetermined_actions,
    actions_enabled,
    severity};

constexpr argument alarm_create[] = {
    {.name = "<name>", .key = "name", .help = "its name"},
    {.name = "<expression>", .key = "expression", .help = "when it alarms"},
    description,
    severity,
    alarm_actions,
    ok_actions,
    undetermined_actions};
constexpr argument alarm_list[] = {
    definition_filter,
    one_metric,
    metric_dimensions,
    state,
    severity,
    updated_start,
    lifecycle,
    link,
    sort_by,
    offset,
    limit,
    {.name = "--name", .key = "name", .value = "NAME", .help = "only of this name (old servers)"},
    strict_dimensions};
constexpr argument only_alarm[] = {alarm_id};
// A fifth word is refused with a text of its own.
constexpr argument alarm_update[] = {
    alarm_id,
    {.name = "<state>", .key = "state", .help = "UNDETERMINED, ALARM or OK"},
    {.name = "<lifecycle_state>", .key = "lifecycle_state", .help = "free text"},
    {.name = "<link>", .key = "link", .help = "free text"}};
constexpr argument alarm_patch[] = {
    alarm_id,
    state,
    lifecycle,
    link,
    name_option,
    description,
    expression_option,
    severity,
    actions_enabled,
    alarm_actions,
    ok_actions,
    undetermined_actions};
constexpr argument alarm_count[] = {
    definition_filter,
    one_metric,
    metric_dimensions,
    state,
    severity,
    updated_start,
    lifecycle,
    link,
    {.name = "--group-by",
     .key = "group_by",
     .value = "FIELD1,FIELD2,...",
     .help = "one count per value of these fields"},
    offset,
    limit};
constexpr argument alarm_history[] = {alarm_id, offset, limit};
constexpr argument alarm_history_list[] = {strict_dimensions, start, end, offset, limit};

// In the order of help.
constexpr command_definition all[] = {
    {.name = "metric-create",
     .help = "send a value of a metric",
     .arguments = metric_create,
     .query = "tenant_id"},
    {.name = "metric-create-raw", .help = "send metrics as JSON", .arguments = metric_create_raw},
    {.name = "metric-list",
     .help = "metrics",
     .arguments = metric_list,
     .query = "name dimensions limit offset start_time end_time tenant_id"},
    {.name = "metric-name-list",
     .help = "names of metrics",
     .arguments = metric_name_list,
     .query = "dimensions limit offset tenant_id"},
    {.name = "measurement-list",
     .help = "values of metrics",
     .arguments = measurement_list,
     .query = "name dimensions start_time end_time limit offset merge_metrics group_by tenant_id"},
    {.name = "metric-statistics",
     .help = "statistics of metrics",
     .arguments = metric_statistics,
     .query = "name dimensions start_time end_time period statistics limit offset merge_metrics "
              "group_by tenant_id"},
    {.name = "dimension-name-list",
     .help = "names of dimensions",
     .arguments = dimension_name_list,
     .query = "metric_name limit offset tenant_id"},
    {.name = "dimension-value-list",
     .help = "values of a dimension",
     .arguments = dimension_value_list,
     .query = "dimension_name metric_name limit offset tenant_id"},
    {.name = "notification-create", .help = "add a notification", .arguments = notification_create},
    {.name = "notification-show", .help = "one notification", .arguments = only_notification},
    {.name = "notification-list",
     .help = "notifications",
     .arguments = notification_list,
     .query = "limit offset sort_by"},
    {.name = "notification-update",
     .help = "replace a notification",
     .arguments = notification_update},
    {.name = "notification-patch",
     .help = "change parts of a notification",
     .arguments = notification_patch},
    {.name = "notification-delete",
     .help = "remove a notification",
     .arguments = only_notification},
    {.name = "notification-type-list", .help = "types of notifications"},
    {.name = "alarm-definition-create",
     .help = "add an alarm definition",
     .arguments = definition_create},
    {.name = "alarm-definition-show", .help = "one alarm definition", .arguments = only_definition},
    {.name = "alarm-definition-list",
     .help = "alarm definitions",
     .arguments = definition_list,
     .query = "name dimensions severity sort_by limit offset"},
    {.name = "alarm-definition-update",
     .help = "replace an alarm definition",
     .arguments = definition_update},
    {.name = "alarm-definition-patch",
     .help = "change parts of an alarm definition",
     .arguments = definition_patch},
    {.name = "alarm-definition-delete",
     .help = "remove an alarm definition",
     .arguments = only_definition},
    {.name = "alarm-list",
     .help = "alarms",
     .arguments = alarm_list,
     .query = "name dimensions alarm_definition_id metric_name metric_dimensions state severity "
              "state_updated_start_time lifecycle_state link limit offset sort_by"},
    {.name = "alarm-show", .help = "one alarm", .arguments = only_alarm},
    {.name = "alarm-update",
     .help = "replace the state of an alarm",
     .arguments = alarm_update,
     .surplus = "the five words of 2014 changed what is now an alarm definition: see "
                "alarm-definition-update "
                "and alarm-definition-patch"},
    {.name = "alarm-patch", .help = "change parts of an alarm", .arguments = alarm_patch},
    {.name = "alarm-delete", .help = "remove an alarm", .arguments = only_alarm},
    {.name = "alarm-count",
     .help = "how many alarms",
     .arguments = alarm_count,
     .query = "alarm_definition_id metric_name metric_dimensions state severity "
              "state_updated_start_time lifecycle_state link group_by limit offset"},
    {.name = "alarm-history",
     .help = "states that an alarm had",
     .arguments = alarm_history,
     .query = "limit offset"},
    {.name = "alarm-history-list",
     .help = "states that alarms had",
     .arguments = alarm_history_list,
     .query = "dimensions start_time end_time limit offset"},
    {.name = "alarm-create",
     .help = "add an alarm, as servers of 2014 know it",
     .arguments = alarm_create,
     .is_of_2x = false},
};

} // namespace

std::span<const command_definition> commands() noexcept {
    return all;
}

} // namespace monarc::tool
