#pragma once

// LOW, MEDIUM, HIGH, CRITICAL: what a definition has and lists are filtered by. Pure.

#include "sink/monasca_query.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

bool is_severity(std::string_view text) noexcept;  ///< Capitals.
int severity_rank(std::string_view text) noexcept; ///< In the order of gravity.

// `A|B` of the query; none: any. Fails: throws monasca_refusal.
std::vector<std::string> read_severities(const monasca_query& query);
bool has_severity(const std::vector<std::string>& wanted, std::string_view severity);

} // namespace monarc::sink
