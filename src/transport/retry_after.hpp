#pragma once

// How long a server wants to be left alone (delivery.md D-6.4). Pure.

#include "transport/http_answer.hpp"

#include <chrono>
#include <cstdint>

namespace monarc::transport {

// Retry-After headers.
class retry_wishes {
public:
    explicit retry_wishes(std::chrono::milliseconds longest) : longest_(longest) {}

    // Of several the largest; 0: none, or the status is none that they count on. `wall_seconds`
    // since 1970, for a date without a usable Date.
    std::chrono::milliseconds of(const http_answer& answer, std::int64_t wall_seconds);

    std::uint64_t bad() const noexcept { return bad_; }         // neither a number nor a date
    std::uint64_t clamped() const noexcept { return clamped_; } // longer than the longest

private:
    std::chrono::milliseconds longest_;
    std::uint64_t bad_ = 0;
    std::uint64_t clamped_ = 0;
};

} // namespace monarc::transport
