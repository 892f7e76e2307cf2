#include "monasca/definition.hpp"
#include "monasca/handlers.hpp"

namespace monarc::tool {
namespace {

using enum value_kind;
using argument = argument_definition;
using key = std::string_view;

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
constexpr key tenant_query[] = {"tenant_id"};
constexpr argument metric_create_raw[] = {
    {.name = "<json>",
     .key = "json",
     .kind = json,
     .help = "a metric or an array of them as JSON; - reads standard input and @FILE a file, one "
             "metric a line or an array, sent in batches of 500"}};

constexpr argument metric_name_list[] = {dimensions, offset, limit, tenant};
constexpr key metric_name_query[] = {"dimensions", "limit", "offset", "tenant_id"};

constexpr argument metric_list[] = {name_option, dimensions, start, end, offset, limit, tenant};
constexpr key metric_query[] = {
    "name", "dimensions", "limit", "offset", "start_time", "end_time", "tenant_id"};

constexpr argument dimension_name_list[] = {metric_filter, offset, limit, tenant};
constexpr key dimension_name_query[] = {"metric_name", "limit", "offset", "tenant_id"};

constexpr argument dimension_value_list[] = {
    {.name = "<dimension_name>", .key = "dimension_name", .help = "whose values"},
    metric_filter,
    offset,
    limit,
    tenant};
constexpr key dimension_value_query[] = {
    "dimension_name", "metric_name", "limit", "offset", "tenant_id"};

constexpr argument measurement_list[] = {
    metric_name, from, dimensions, end, offset, limit, merge, group, tenant};
constexpr key measurement_query[] = {
    "name",
    "dimensions",
    "start_time",
    "end_time",
    "limit",
    "offset",
    "merge_metrics",
    "group_by",
    "tenant_id"};

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
constexpr key statistics_query[] = {
    "name",
    "dimensions",
    "start_time",
    "end_time",
    "period",
    "statistics",
    "limit",
    "offset",
    "merge_metrics",
    "group_by",
    "tenant_id"};

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
constexpr key notification_query[] = {"limit", "offset", "sort_by"};
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
constexpr key definition_query[] = {"name", "dimensions", "severity", "sort_by", "limit", "offset"};
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
constexpr key alarm_query[] = {
    "name",
    "dimensions",
    "alarm_definition_id",
    "metric_name",
    "metric_dimensions",
    "state",
    "severity",
    "state_updated_start_time",
    "lifecycle_state",
    "link",
    "limit",
    "offset",
    "sort_by"};
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
constexpr key count_query[] = {
    "alarm_definition_id",
    "metric_name",
    "metric_dimensions",
    "state",
    "severity",
    "state_updated_start_time",
    "lifecycle_state",
    "link",
    "group_by",
    "limit",
    "offset"};
constexpr argument alarm_history[] = {alarm_id, offset, limit};
constexpr key page_query[] = {"limit", "offset"};
constexpr argument alarm_history_list[] = {strict_dimensions, start, end, offset, limit};
constexpr key history_query[] = {"dimensions", "start_time", "end_time", "limit", "offset"};

// In the order of help.
constexpr command_definition all[] = {
    {"metric-create", "send a value of a metric", metric_create, tenant_query, create_metric},
    {"metric-create-raw", "send metrics as JSON", metric_create_raw, {}, create_raw_metric},
    {"metric-list", "metrics", metric_list, metric_query, list_metrics},
    {"metric-name-list",
     "names of metrics",
     metric_name_list,
     metric_name_query,
     list_metric_names},
    {"measurement-list",
     "values of metrics",
     measurement_list,
     measurement_query,
     list_measurements},
    {"metric-statistics",
     "statistics of metrics",
     metric_statistics,
     statistics_query,
     list_statistics},
    {"dimension-name-list",
     "names of dimensions",
     dimension_name_list,
     dimension_name_query,
     list_dimension_names},
    {"dimension-value-list",
     "values of a dimension",
     dimension_value_list,
     dimension_value_query,
     list_dimension_values},
    {"notification-create", "add a notification", notification_create, {}, create_notification},
    {"notification-show", "one notification", only_notification, {}, show_notification},
    {"notification-list",
     "notifications",
     notification_list,
     notification_query,
     list_notifications},
    {"notification-update", "replace a notification", notification_update, {}, update_notification},
    {"notification-patch",
     "change parts of a notification",
     notification_patch,
     {},
     patch_notification},
    {"notification-delete", "remove a notification", only_notification, {}, delete_notification},
    {"notification-type-list", "types of notifications", {}, {}, list_notification_types},
    {"alarm-definition-create",
     "add an alarm definition",
     definition_create,
     {},
     create_definition},
    {"alarm-definition-show", "one alarm definition", only_definition, {}, show_definition},
    {"alarm-definition-list",
     "alarm definitions",
     definition_list,
     definition_query,
     list_definitions},
    {"alarm-definition-update",
     "replace an alarm definition",
     definition_update,
     {},
     update_definition},
    {"alarm-definition-patch",
     "change parts of an alarm definition",
     definition_patch,
     {},
     patch_definition},
    {"alarm-definition-delete",
     "remove an alarm definition",
     only_definition,
     {},
     delete_definition},
    {"alarm-list", "alarms", alarm_list, alarm_query, list_alarms},
    {"alarm-show", "one alarm", only_alarm, {}, show_alarm},
    {"alarm-update",
     "replace the state of an alarm",
     alarm_update,
     {},
     update_alarm,
     "the five words of 2014 changed what is now an alarm definition: see alarm-definition-update "
     "and alarm-definition-patch"},
    {"alarm-patch", "change parts of an alarm", alarm_patch, {}, patch_alarm},
    {"alarm-delete", "remove an alarm", only_alarm, {}, delete_alarm},
    {"alarm-count", "how many alarms", alarm_count, count_query, count_alarms},
    {"alarm-history", "states that an alarm had", alarm_history, page_query, list_history},
    {"alarm-history-list",
     "states that alarms had",
     alarm_history_list,
     history_query,
     list_all_history},
    {.name = "alarm-create",
     .help = "add an alarm, as servers of 2014 know it",
     .arguments = alarm_create,
     .run = create_alarm,
     .is_of_2x = false},
};

} // namespace

std::span<const command_definition> commands() noexcept {
    return all;
}

} // namespace monarc::tool
