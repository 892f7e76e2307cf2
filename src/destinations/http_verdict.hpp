#pragma once

// What the status of an answer means where the body says no more (delivery.md section 5), and how
// long a server wants to be left alone (D-6.4). Pure.

#include "core/outcome.hpp"
#include "core/result.hpp"
#include "transport/http_answer.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::destinations {

// Retry-After headers.
class retry_wishes {
public:
    explicit retry_wishes(std::chrono::milliseconds longest) : longest_(longest) {}

    // Of several the largest; 0: none. `wall_seconds` since 1970, for a date without a usable Date.
    std::chrono::milliseconds of(const transport::http_answer& answer, std::int64_t wall_seconds);

    std::uint64_t bad() const noexcept { return bad_; }         // neither a number nor a date
    std::uint64_t clamped() const noexcept { return clamped_; } // longer than the longest

private:
    std::chrono::milliseconds longest_;
    std::uint64_t bad_ = 0;
    std::uint64_t clamped_ = 0;
};

// The rows of the table that look at the status alone; of 401 that it is class auth.
outcome verdict_of_status(
    const transport::http_answer& answer, retry_wishes& wishes, std::int64_t wall_seconds);

// The beginning of a text, on one line.
std::string told(std::string_view text);

} // namespace monarc::destinations
