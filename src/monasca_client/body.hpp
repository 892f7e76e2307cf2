#pragma once

// What is created or changed, as the JSON of a request: what has a value is sent. Pure.

#include <monarc/monasca_types.hpp>

#include <string>

namespace monarc::monasca_client {

// `what.value` is finite.
std::string json_of(const monasca::new_metric& what);
std::string json_of(const monasca::notification_change& what);
std::string json_of(const monasca::definition_change& what);
std::string json_of(const monasca::alarm_state& what);

} // namespace monarc::monasca_client
