#pragma once

// A batch of measurements to the body of a request, an answer to an outcome (monasca-api.md
// sections 1 to 3 and 8; delivery.md section 5). Pure.

#include "compress/gzip.hpp"
#include "core/outcome.hpp"
#include "core/payload.hpp"
#include "core/result.hpp"
#include "core/series.hpp"
#include "destinations/gzip_negotiation.hpp"
#include "destinations/http_verdict.hpp"
#include "transport/http_answer.hpp"

#include <monarc/options.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace monarc::destinations {

struct monasca_wire_counts {
    std::uint64_t retry_after_bad = 0;     // neither a number nor a date
    std::uint64_t retry_after_clamped = 0; // longer than retry.max_retry_after
    std::uint64_t doubtful_acks = 0;       // so late that Kafka may be away (section 4)
};

// Of the exchange that brought an answer.
struct exchange_facts {
    std::int64_t wall_seconds = 0; // since 1970, for a Retry-After date without a usable Date
    std::chrono::steady_clock::time_point now{};
    std::chrono::milliseconds took{0}; // from the first byte of the request to the whole answer
    bool was_gzip = false;
};

class monasca_wire {
public:
    explicit monasca_wire(
        std::chrono::milliseconds max_retry_after,
        compression_mode compression = compression_mode::none)
        : wishes_(max_retry_after), negotiation_(compression) {}

    // The JSON array, compressed if the server takes that, or to find out.
    payload encode(const measurement_batch& batch, std::chrono::steady_clock::time_point now);

    // D-3.6: cuts the array behind an entry that has a count, near the middle.
    // Fails: errc::too_large if it has only one.
    result<std::array<payload, 2>> split(const payload& whole);
    // The same without gzip. Fails: errc::too_large if it has none.
    result<payload> plain(const payload& packed) const;

    // A 401 that is not about the role is failure::auth: what it means depends on the token.
    outcome judge(const transport::http_answer& answer, const exchange_facts& how);

    monasca_wire_counts counts() const noexcept {
        return {
            .retry_after_bad = wishes_.bad(),
            .retry_after_clamped = wishes_.clamped(),
            .doubtful_acks = doubtful_acks_};
    }

private:
    void pack(payload& made);

    retry_wishes wishes_;
    gzip_negotiation negotiation_;
    compress::gzip_writer gzip_;
    std::uint64_t doubtful_acks_ = 0;
};

} // namespace monarc::destinations
