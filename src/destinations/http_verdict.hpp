#pragma once

// What the status of an answer means where the body says no more (delivery.md section 5). Pure.

#include "core/outcome.hpp"
#include "core/result.hpp"
#include "transport/http_answer.hpp"
#include "transport/retry_after.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::destinations {

using transport::retry_wishes;

// The rows of the table that look at the status alone; of 401 that it is class auth.
outcome verdict_of_status(
    const transport::http_answer& answer, retry_wishes& wishes, std::int64_t wall_seconds);

// The beginning of a text, on one line.
std::string told(std::string_view text);

} // namespace monarc::destinations
