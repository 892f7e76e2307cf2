#pragma once

// What the REST part of a sink has to tell: plain values. docs/sink.md explains every member. What
// came by it stands among the events of the whole.

#include "sink/http_server.hpp"
#include "sink/rest_messages.hpp"
#include "sink/rest_tokens.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace monarc::sink {

struct rest_summary {
    std::map<int, std::uint64_t> responses{}; ///< By status, of all end points.
    std::uint64_t posts = 0;                  ///< Requests with messages, whatever the answer.
    std::uint64_t accepted = 0;               ///< Messages that were taken, repeats included.
    std::uint64_t refused = 0;                ///< Messages that were refused one by one.
    std::uint64_t repeated_requests = 0;      ///< That came again after their answer was lost.
    std::uint64_t inflated = 0;               ///< Requests with gzip that were taken.
    std::uint64_t not_kept = 0;               ///< Requests that the store had no room for: 503.
    rest_token_counts tokens{};
    std::uint64_t violations = 0; ///< All of them.
    std::array<std::uint64_t, rest_violation_count> violations_by{};
    http_counts http{};

    std::uint64_t violated(rest_violation v) const noexcept {
        return violations_by[static_cast<std::size_t>(v)];
    }
};

std::string to_json(const rest_summary& s);
std::string to_text(const rest_summary& s);

} // namespace monarc::sink
