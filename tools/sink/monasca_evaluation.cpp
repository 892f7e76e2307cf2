// What the threshold engine does: alarms appear with the metrics of their definition, and change
// with their values. Here only when a measurement arrives, never by the passing of time alone.

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace monarc::sink {
namespace {

using series_map = monasca_store::series_map;

constexpr std::int64_t max_periods = 1000; // that are looked at
constexpr std::size_t max_metrics = 256;   // that an alarm tells of

// The values of the definition's match_by; nothing if the metric has not all of them.
std::optional<std::vector<std::string>>
matched_values(const alarm_definition& d, const dimension_list& dimensions) {
    std::vector<std::string> values;
    for (const auto& key : d.match_by) {
        const auto at = std::find_if(dimensions.begin(), dimensions.end(), [&](const auto& pair) {
            return pair.first == key;
        });
        if (at == dimensions.end())
            return std::nullopt;
        values.push_back(at->second);
    }
    return values;
}

// Series are ordered by keys that begin with their names.
template <class Use>
void for_each_series(
    const series_map& series,
    const alarm_definition& d,
    const sub_expression& sub,
    const std::vector<std::string>& matched,
    Use use) {
    for (auto at = series.lower_bound(sub.metric);
         at != series.end() && at->first.starts_with(sub.metric);
         ++at)
        if (sub.admits(at->second->name, at->second->dimensions) &&
            matched_values(d, at->second->dimensions) == matched)
            use(*at->second);
}

// Every metric that the alarm is about; none if one of its subexpressions has none yet.
std::vector<alarm_metric> find_metrics(
    const series_map& series, const alarm_definition& d, const std::vector<std::string>& matched) {
    std::vector<alarm_metric> all;
    const bool may_repeat = d.read.subs.size() > 1; // one subexpression meets each series once
    for (const auto& sub : d.read.subs) {
        bool has_any = false;
        for_each_series(series, d, sub, matched, [&](const stored_series& s) {
            has_any = true;
            alarm_metric made{s.name, s.dimensions};
            if (all.size() < max_metrics &&
                (!may_repeat || std::find(all.begin(), all.end(), made) == all.end()))
                all.push_back(std::move(made));
        });
        if (!has_any)
            return {};
    }
    return all;
}

// What there is of one period.
struct period_values {
    std::int64_t count = 0;
    double sum = 0;
    double min = std::numeric_limits<double>::infinity();
    double max = -std::numeric_limits<double>::infinity();
    std::int64_t last_at = std::numeric_limits<std::int64_t>::min();
    double last = 0;

    void add(std::int64_t at, double value) noexcept {
        ++count;
        sum += value;
        min = std::min(min, value);
        max = std::max(max, value);
        if (at >= last_at)
            last = value;
        last_at = std::max(last_at, at);
    }
    // Nothing counts as none, and is no value of any other kind.
    std::optional<double> value(alarm_function f) const noexcept {
        if (f == alarm_function::count)
            return static_cast<double>(count);
        if (count == 0)
            return std::nullopt;
        switch (f) {
        case alarm_function::max: return max;
        case alarm_function::min: return min;
        case alarm_function::avg: return sum / static_cast<double>(count);
        case alarm_function::last: return last;
        default: return sum;
        }
    }
};

struct sub_alarm {
    alarm_state state = alarm_state::undetermined;
    std::vector<double> values{};
};

sub_alarm evaluate(
    const series_map& series,
    const alarm& a,
    const alarm_definition& d,
    const sub_expression& sub,
    std::int64_t now) {
    const auto length = sub.period * 1000;
    const auto periods = std::min(sub.periods, max_periods);
    // The one that ends now is the first.
    std::vector<period_values> all(static_cast<std::size_t>(periods));
    for_each_series(series, d, sub, a.matched, [&](const stored_series& s) {
        for (auto at = s.points.lower_bound(now - periods * length + 1);
             at != s.points.end() && at->first <= now;
             ++at)
            all[static_cast<std::size_t>((now - at->first) / length)].add(
                at->first, at->second.value);
    });
    sub_alarm made;
    bool is_met = true;
    for (auto period = all.rbegin(); period != all.rend(); ++period) {
        const auto value = period->value(sub.function);
        if (!value)
            continue;
        made.values.push_back(*value);
        is_met = is_met && sub.is_met_by(*value);
    }
    const auto found = static_cast<std::int64_t>(made.values.size());
    // One period in which it is not met is enough; to be met takes all of them.
    if (found != 0 && !is_met)
        made.state = alarm_state::ok;
    else if (found == periods)
        made.state = alarm_state::alarm;
    return made;
}

alarm_state both(alarm_state a, alarm_state b) noexcept {
    return std::min(a, b); // ok, undetermined, alarm
}

alarm_state either(alarm_state a, alarm_state b) noexcept {
    return std::max(a, b);
}

alarm_state state_of(const alarm_expression& expression, const std::vector<sub_alarm>& subs) {
    std::vector<alarm_state> stack;
    for (const int step : expression.steps) {
        if (step >= 0) {
            stack.push_back(subs[static_cast<std::size_t>(step)].state);
            continue;
        }
        const auto b = stack.back();
        stack.pop_back();
        auto& a = stack.back();
        a = step == alarm_expression::both ? both(a, b) : either(a, b);
    }
    return stack.back();
}

std::string reason_of(
    alarm_state state, const alarm_expression& expression, const std::vector<sub_alarm>& subs) {
    std::string texts;
    std::vector<double> values;
    for (std::size_t i = 0; i < subs.size(); ++i) {
        if (subs[i].state != state)
            continue;
        texts += fmt::format("{}{}", texts.empty() ? "" : ", ", expression.subs[i].text());
        values.insert(values.end(), subs[i].values.begin(), subs[i].values.end());
    }
    if (state == alarm_state::undetermined)
        return fmt::format("No data was present for the sub-alarms: {}", texts);
    return fmt::format(
        "{} for the sub-alarms: {} with the values: [{}]",
        state == alarm_state::alarm ? "Thresholds were exceeded"
                                    : "The alarm threshold(s) have not been exceeded",
        texts,
        fmt::join(values, ", "));
}

std::string
sub_alarms_json(const alarm_expression& expression, const std::vector<sub_alarm>& subs) {
    std::string out = "[";
    for (std::size_t i = 0; i < subs.size(); ++i) {
        if (i != 0)
            out += ',';
        const auto& sub = expression.subs[i];
        json_members m(out);
        m.name("sub_alarm_expression");
        json_members e(out);
        e.text("function", name(sub.function)).text("metric_name", sub.metric).name("dimensions");
        append_json_dimensions(out, sub.dimensions);
        e.text("operator", name(sub.comparison))
            .number("threshold", sub.threshold)
            .number("period", sub.period)
            .number("periods", sub.periods)
            .boolean("deterministic", sub.is_deterministic)
            .end();
        m.text("sub_alarm_state", name(subs[i].state))
            .raw("current_values", fmt::format("[{}]", fmt::join(subs[i].values, ",")))
            .end();
    }
    return out + "]";
}

alarm* find_alarm(
    tenant_alarming& all, const alarm_definition& d, const std::vector<std::string>& matched) {
    for (auto& [id, a] : all.alarms)
        if (a.definition_id == d.id && a.matched == matched)
            return &a;
    return nullptr;
}

} // namespace

void monasca_alarming::take(
    const std::string& tenant,
    const measurement& m,
    const monasca_store::series_map& series,
    std::int64_t now) {
    const auto at = tenants_.find(tenant);
    if (at == tenants_.end())
        return;
    auto& all = at->second;
    for (const auto& [id, d] : all.definitions) {
        if (std::none_of(d.read.subs.begin(), d.read.subs.end(), [&](const auto& sub) {
                return sub.admits(m.name, m.dimensions);
            }))
            continue;
        const auto matched = matched_values(d, m.dimensions);
        if (!matched)
            continue;
        auto* a = find_alarm(all, d, *matched);
        auto metrics = find_metrics(series, d, *matched);
        if (metrics.empty() || (a == nullptr && all.alarms.size() >= tenant_alarming::max_alarms))
            continue;
        if (a == nullptr) {
            alarm made{.id = ids_.uuid(), .definition_id = d.id, .matched = *matched};
            made.state_updated_at = made.updated_at = made.created_at = now;
            const auto made_id = made.id;
            a = &all.alarms.insert_or_assign(made_id, std::move(made)).first->second;
        }
        a->metrics = std::move(metrics);
        std::vector<sub_alarm> subs;
        for (const auto& sub : d.read.subs)
            subs.push_back(evaluate(series, *a, d, sub, now));
        const auto state = state_of(d.read, subs);
        all.change(*a, state, reason_of(state, d.read, subs), sub_alarms_json(d.read, subs), now);
    }
}

} // namespace monarc::sink
