#pragma once

// Which alarms a list or a count is asked for. Pure.

#include "sink/monasca_alarms.hpp"
#include "sink/monasca_query.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace monarc::sink {

struct alarm_filter {
    // Fails: throws monasca_refusal.
    explicit alarm_filter(const monasca_query& query);

    bool admits(const alarm& a, const alarm_definition& d) const;

    std::optional<std::string> definition_id, metric_name, lifecycle_state, link;
    dimension_filter dimensions;
    std::optional<alarm_state> state;
    std::vector<std::string> severities;
    std::optional<std::int64_t> updated_from; ///< Microseconds.
};

std::vector<const alarm*> select(const tenant_alarming& all, const alarm_filter& filter);

// `[{"name":…,"dimensions":{…}},…]`
std::string metrics_json(const std::vector<alarm_metric>& metrics);

} // namespace monarc::sink
