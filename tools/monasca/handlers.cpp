#include "monasca/handlers.hpp"

#include "monasca/definition.hpp"

#include <algorithm>
#include <iterator>

namespace monarc::tool {
namespace {

struct row {
    std::string_view command;
    handler run;
};

constexpr row all[] = {
    {"metric-create", create_metric},
    {"metric-create-raw", create_raw_metric},
    {"metric-list", list_metrics},
    {"metric-name-list", list_metric_names},
    {"measurement-list", list_measurements},
    {"metric-statistics", list_statistics},
    {"dimension-name-list", list_dimension_names},
    {"dimension-value-list", list_dimension_values},
    {"notification-create", create_notification},
    {"notification-show", show_notification},
    {"notification-list", list_notifications},
    {"notification-update", update_notification},
    {"notification-patch", patch_notification},
    {"notification-delete", delete_notification},
    {"notification-type-list", list_notification_types},
    {"alarm-definition-create", create_definition},
    {"alarm-definition-show", show_definition},
    {"alarm-definition-list", list_definitions},
    {"alarm-definition-update", update_definition},
    {"alarm-definition-patch", patch_definition},
    {"alarm-definition-delete", delete_definition},
    {"alarm-list", list_alarms},
    {"alarm-show", show_alarm},
    {"alarm-update", update_alarm},
    {"alarm-patch", patch_alarm},
    {"alarm-delete", delete_alarm},
    {"alarm-count", count_alarms},
    {"alarm-history", list_history},
    {"alarm-history-list", list_all_history},
    {"alarm-create", create_alarm},
};

} // namespace

handler handler_of(const command_definition& command) noexcept {
    const auto* const found = std::find_if(std::begin(all), std::end(all), [&](const row& one) {
        return one.command == command.name;
    });
    return found == std::end(all) ? nullptr : found->run;
}

} // namespace monarc::tool
