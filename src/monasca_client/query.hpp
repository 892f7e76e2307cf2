#pragma once

// What is asked for, as the parameters of a query in the order in which the model sends them
// (monasca-cli.md section 6). What is empty is not sent. Pure.

#include <monarc/monasca_types.hpp>

#include <string>

namespace monarc::monasca_client {

monasca::ordered_pairs query_of(const monasca::metric_filter& what);
monasca::ordered_pairs query_of(const monasca::name_filter& what);
monasca::ordered_pairs
query_of(const monasca::dimension_filter& what, const std::string& dimension_name = {});
monasca::ordered_pairs query_of(const monasca::measurement_filter& what);
monasca::ordered_pairs query_of(const monasca::page_filter& what);
monasca::ordered_pairs query_of(const monasca::definition_filter& what);
monasca::ordered_pairs query_of(const monasca::alarm_filter& what);
monasca::ordered_pairs query_of(const monasca::history_filter& what);
monasca::ordered_pairs query_of_tenant(const std::string& id);

} // namespace monarc::monasca_client
