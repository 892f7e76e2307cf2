#pragma once

// What stands between a client and the sink's Monasca: a proxy, and a network that fails. Knows no
// socket and no clock.

#include "sink/http_message.hpp"
#include "sink/monasca_api.hpp"

#include <cstdint>
#include <optional>

namespace monarc::sink {

// Threads: one at a time. Refers to the API, which must outlive it.
class monasca_faults {
public:
    // `takes_switches`: whether anybody who reaches it may throw them.
    explicit monasca_faults(monasca_api& api, bool takes_switches = true)
        : api_(api), takes_switches_(takes_switches) {}

    // PUT /sink/switches, a switch a line, is answered here, 404 where they are not taken; the rest
    // goes on to Monasca.
    http_answer serve(const http_request& request, std::int64_t now_milliseconds);

private:
    bool has_room(std::uint64_t requests_a_second, std::int64_t now) noexcept;
    http_response switch_as(const http_request& request);

    monasca_api& api_;
    bool takes_switches_;
    std::optional<std::uint64_t> reset_after_{}; // as it was when answered_ was 0
    std::uint64_t answered_ = 0;
    std::int64_t second_ = 0;
    std::uint64_t in_second_ = 0;
};

} // namespace monarc::sink
