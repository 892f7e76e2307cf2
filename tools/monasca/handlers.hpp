#pragma once

// What the commands do. Each reads its arguments, refuses what is wrong before anything is sent,
// asks, and prints.

namespace monarc::tool {

struct command_definition;
class session;

using handler = void (*)(session& s);

// Every command has one.
handler handler_of(const command_definition& command) noexcept;

void create_metric(session& s);
void create_raw_metric(session& s);
void list_metric_names(session& s);
void list_metrics(session& s);
void list_dimension_names(session& s);
void list_dimension_values(session& s);
void list_measurements(session& s);
void list_statistics(session& s);

void create_notification(session& s);
void show_notification(session& s);
void list_notifications(session& s);
void delete_notification(session& s);
void update_notification(session& s);
void patch_notification(session& s);
void list_notification_types(session& s);

void create_definition(session& s);
void show_definition(session& s);
void list_definitions(session& s);
void delete_definition(session& s);
void update_definition(session& s);
void patch_definition(session& s);

void create_alarm(session& s);
void list_alarms(session& s);
void show_alarm(session& s);
void update_alarm(session& s);
void patch_alarm(session& s);
void delete_alarm(session& s);
void count_alarms(session& s);
void list_history(session& s);
void list_all_history(session& s);

} // namespace monarc::tool
