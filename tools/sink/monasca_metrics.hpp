#pragma once

// What Monasca's Python API says to the body of POST /v2.0/metrics. Pure.

#include "sink/python_json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::sink {

using dimension_list = std::vector<std::pair<std::string, std::string>>; ///< Sorted by key.

// One measurement as it was accepted.
struct measurement {
    std::string name{};
    dimension_list dimensions{};
    double timestamp = 0; ///< Milliseconds; Monasca takes any number here.
    double value = 0;
    std::string value_meta{}; ///< JSON of an object; empty if there is none.
};

// An answer that says no: {"title": …, "description": …}.
struct monasca_error {
    int status = 422;
    std::string title{};
    std::string description{};
};

// Why a name, or a dimension's key or value, is refused; also used for the parameters of reads.
std::optional<std::string> why_not_metric_name(std::string_view name);
std::optional<std::string> why_not_dimension_key(std::string_view key);
std::optional<std::string> why_not_dimension_value(std::string_view key, std::string_view value);

// Checks the metrics in their order; the first that is wrong ends it.
std::optional<monasca_error> why_not_metrics(const python::value& body);

// The metrics of a body that was found good.
std::vector<measurement> to_measurements(const python::value& body);

} // namespace monarc::sink
