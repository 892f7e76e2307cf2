// What the threshold engine does: alarms appear with the metrics of their definition, and change
// with their values. Here only when a measurement arrives, never by the passing of time alone.

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

namespace monarc::sink {
namespace {

using series_map = monasca_store::series_map;

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
    for (const auto& sub : d.read.subs) {
        bool has_any = false;
        for_each_series(series, d, sub, matched, [&](const stored_series& s) {
            has_any = true;
            alarm_metric made{s.name, s.dimensions};
            if (std::find(all.begin(), all.end(), made) == all.end())
                all.push_back(std::move(made));
        });
        if (!has_any)
            return {};
    }
    return all;
}

// What a function says of the values from `first` to before `last`.
std::optional<double> value_of(
    const series_map& series,
    const alarm& a,
    const alarm_definition& d,
    const sub_expression& sub,
    std::int64_t first,
    std::int64_t last) {
    std::vector<std::pair<std::int64_t, double>> points;
    for_each_series(series, d, sub, a.matched, [&](const stored_series& s) {
        for (auto at = s.points.lower_bound(first); at != s.points.end() && at->first < last; ++at)
            points.emplace_back(at->first, at->second.value);
    });
    if (sub.function == alarm_function::count)
        return static_cast<double>(points.size());
    if (points.empty())
        return std::nullopt;
    double sum = 0;
    for (const auto& point : points)
        sum += point.second;
    const auto less = [](const auto& x, const auto& y) { return x.second < y.second; };
    switch (sub.function) {
    case alarm_function::max: return std::max_element(points.begin(), points.end(), less)->second;
    case alarm_function::min: return std::min_element(points.begin(), points.end(), less)->second;
    case alarm_function::avg: return sum / static_cast<double>(points.size());
    case alarm_function::last: return std::max_element(points.begin(), points.end())->second;
    default: return sum;
    }
}

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
    constexpr std::int64_t max_periods = 1000; // that are looked at
    sub_alarm made;
    const auto length = sub.period * 1000;
    bool is_met = true;
    for (std::int64_t i = std::min(sub.periods, max_periods); i > 0; --i) {
        const auto last = now - (i - 1) * length + 1;
        const auto value = value_of(series, a, d, sub, last - length, last);
        if (!value)
            continue;
        made.values.push_back(*value);
        is_met = is_met && sub.is_met_by(*value);
    }
    const auto found = static_cast<std::int64_t>(made.values.size());
    // One period in which it is not met is enough; to be met takes all of them.
    if (found != 0 && !is_met)
        made.state = alarm_state::ok;
    else if (found == std::min(sub.periods, max_periods))
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
        if (metrics.empty() || (a == nullptr && all.alarms.size() >= tenant_alarming::max_of_each))
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
