#pragma once

// The reads of Monasca: series, names, dimensions, measurements and statistics, a page at a time.
// Pure; they throw monasca_refusal where Monasca answers with an error.

#include "sink/monasca_query.hpp"
#include "sink/monasca_store.hpp"

#include <string>
#include <string_view>

namespace monarc::sink {

struct read_request {
    const monasca_query& query;
    const monasca_store::series_map& series; ///< Of the tenant.
    std::string_view uri;                    ///< http://host/path
    std::string_view raw_query;
};

// Each returns the JSON of a page.
std::string list_metrics(const read_request& r);
std::string list_metric_names(const read_request& r);
std::string list_dimension_names(const read_request& r);
std::string list_dimension_values(const read_request& r);
std::string list_measurements(const read_request& r);
std::string list_statistics(const read_request& r);

} // namespace monarc::sink
