#pragma once

// What alarming is made of in the sink's Monasca: plain values, kept for each tenant.

#include "sink/monasca_expression.hpp"
#include "sink/monasca_metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace monarc::sink {

struct notification_method {
    std::string id{};
    std::string name{};
    std::string type{};
    std::string address{};
    std::int64_t period = 0;
    std::int64_t created_at = 0; ///< Milliseconds, like all times here.
    std::int64_t updated_at = 0;
};

struct alarm_definition {
    std::string id{};
    std::string name{};
    std::string description{};
    std::string expression{}; ///< As it was written.
    alarm_expression read{};
    std::vector<std::string> match_by{};
    std::string severity = "LOW";
    bool actions_enabled = true;
    std::vector<std::string> alarm_actions{};
    std::vector<std::string> ok_actions{};
    std::vector<std::string> undetermined_actions{};
    std::int64_t created_at = 0;
    std::int64_t updated_at = 0;
};

struct alarm_metric {
    std::string name{};
    dimension_list dimensions{};

    bool operator==(const alarm_metric&) const = default;
};

enum class alarm_state { ok, undetermined, alarm }; // in the order in which lists are sorted
std::string_view name(alarm_state s) noexcept;
std::optional<alarm_state> read_alarm_state(std::string_view text) noexcept; ///< Capitals.

struct alarm {
    std::string id{};
    std::string definition_id{};
    std::vector<std::string> matched{}; ///< Values of the definition's match_by.
    std::vector<alarm_metric> metrics{};
    alarm_state state = alarm_state::undetermined;
    std::optional<std::string> lifecycle_state{};
    std::optional<std::string> link{};
    std::int64_t state_updated_at = 0;
    std::int64_t updated_at = 0;
    std::int64_t created_at = 0;
};

struct state_change {
    std::int64_t at = 0; ///< Also its id: no two are of one millisecond.
    std::string alarm_id{};
    std::vector<alarm_metric> metrics{};
    alarm_state before{};
    alarm_state after{};
    std::string reason{};
    std::string sub_alarms = "[]"; ///< JSON.
};

// By id, the order in which Monasca lists them unless it is asked for another.
struct tenant_alarming {
    std::map<std::string, notification_method> methods{};
    std::map<std::string, alarm_definition> definitions{};
    std::map<std::string, alarm> alarms{};
    std::deque<state_change> history{}; ///< Of alarms that are gone, too.

    // Beyond them nothing new is taken, and the oldest change is forgotten.
    static constexpr std::size_t max_methods = 1000;
    static constexpr std::size_t max_definitions = 1000;
    static constexpr std::size_t max_alarms = 10'000;
    static constexpr std::size_t max_changes = 10'000;

    void
    change(alarm& a, alarm_state to, std::string reason, std::string sub_alarms, std::int64_t now);
};

} // namespace monarc::sink
