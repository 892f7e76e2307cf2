#include "sink/monasca_alarm_filter.hpp"

#include "sink/json_members.hpp"
#include "sink/monasca_page.hpp"
#include "sink/monasca_severity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace monarc::sink {

alarm_filter::alarm_filter(const monasca_query& query)
    : definition_id(query.find("alarm_definition_id")), metric_name(query.find("metric_name")),
      lifecycle_state(query.find("lifecycle_state")), link(query.find("link")) {
    if (const auto text = query.find("state")) {
        state = read_alarm_state(upper(*text));
        if (!state)
            throw monasca_refusal(
                {422,
                 "Invalid State",
                 fmt::format(
                     "State b{} must be one of ['ALARM', 'OK', 'UNDETERMINED']",
                     python::quoted(*text))});
    }
    severities = read_severities(query);
    dimensions = query.dimensions("metric_dimensions");
    updated_from = query.time("state_updated_start_time");
}

bool alarm_filter::admits(const alarm& a, const alarm_definition& d) const {
    const auto has_metric = [&](const auto& fits) {
        return std::any_of(a.metrics.begin(), a.metrics.end(), fits);
    };
    return (!definition_id || a.definition_id == *definition_id) &&
           (!metric_name || has_metric([&](const auto& m) { return m.name == *metric_name; })) &&
           (dimensions.all.empty() ||
            has_metric([&](const auto& m) { return dimensions.admits(m.dimensions); })) &&
           (!state || a.state == *state) && has_severity(severities, d.severity) &&
           (!lifecycle_state || a.lifecycle_state == lifecycle_state) &&
           (!link || a.link == link) &&
           (!updated_from || a.state_updated_at * 1000 >= *updated_from);
}

std::vector<const alarm*> select(const tenant_alarming& all, const alarm_filter& filter) {
    std::vector<const alarm*> found;
    for (const auto& [id, a] : all.alarms)
        if (filter.admits(a, all.definitions.at(a.definition_id)))
            found.push_back(&a);
    return found;
}

std::string metrics_json(const std::vector<alarm_metric>& metrics) {
    std::string out = "[";
    for (const auto& metric : metrics) {
        if (&metric != metrics.data())
            out += ',';
        json_members m(out);
        m.text("name", metric.name).name("dimensions");
        append_json_dimensions(out, metric.dimensions);
        m.end();
    }
    return out + "]";
}

} // namespace monarc::sink
