#pragma once

// A batch of measurements to the body of a request, an answer to an outcome (monasca-api.md
// sections 1 to 3 and 8; delivery.md section 5). Pure.

#include "core/outcome.hpp"
#include "core/payload.hpp"
#include "core/result.hpp"
#include "core/series.hpp"
#include "transport/http_answer.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace monarc::destinations {

struct monasca_wire_counts {
    std::uint64_t retry_after_bad = 0;     // neither a number nor a date
    std::uint64_t retry_after_clamped = 0; // longer than retry.max_retry_after
};

class monasca_wire {
public:
    explicit monasca_wire(std::chrono::milliseconds max_retry_after)
        : max_retry_after_(max_retry_after) {}

    // The JSON array.
    payload encode(const measurement_batch& batch);

    // D-3.6: cuts the array behind an entry that has a count, near the middle.
    // Fails: errc::too_large if it has only one.
    result<std::array<payload, 2>> split(const payload& whole) const;

    // `wall_seconds` since 1970, for a Retry-After date without a usable Date.
    outcome judge(const transport::http_answer& answer, std::int64_t wall_seconds);

    const monasca_wire_counts& counts() const noexcept { return counts_; }

private:
    std::chrono::milliseconds
    wish_of(const transport::http_answer& answer, std::int64_t wall_seconds);

    std::chrono::milliseconds max_retry_after_;
    monasca_wire_counts counts_;
};

// Seconds since 1970 of an IMF-fixdate (RFC 9110 section 5.6.7). Fails: errc::bad_data.
result<std::int64_t> read_http_date(std::string_view text);

} // namespace monarc::destinations
