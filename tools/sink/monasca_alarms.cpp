#include "sink/monasca_alarms.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::array<std::string_view, 3> states{"OK", "UNDETERMINED", "ALARM"};

} // namespace

std::string_view name(alarm_state s) noexcept {
    return states[static_cast<std::size_t>(s)];
}

std::optional<alarm_state> read_alarm_state(std::string_view text) noexcept {
    const auto at = std::find(states.begin(), states.end(), text);
    if (at == states.end())
        return std::nullopt;
    return static_cast<alarm_state>(at - states.begin());
}

void tenant_alarming::change(
    alarm& a, alarm_state to, std::string reason, std::string sub_alarms, std::int64_t now) {
    if (a.state == to)
        return;
    state_change made;
    made.at = history.empty() ? now : std::max(now, history.back().at + 1);
    made.alarm_id = a.id;
    made.metrics = a.metrics;
    made.before = std::exchange(a.state, to);
    made.after = to;
    made.reason = std::move(reason);
    made.sub_alarms = std::move(sub_alarms);
    a.state_updated_at = a.updated_at = now;
    if (history.size() == max_changes)
        history.pop_front();
    history.push_back(std::move(made));
}

} // namespace monarc::sink
