#pragma once

// A destination's verdict on one attempt.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace monarc {

enum class verdict : std::uint8_t {
    delivered,         // the peer said so
    delivered_unacked, // the kernel took the last byte, and nobody was asked to answer
    partial,           // some entries are refused for good, all others delivered
    retry,             // not delivered, as far as anyone knows
    again,             // at once on a new connection: an idle one was closed under us (D-6.5)
    fresh_token,       // at once with another token (D-11.4)
    plain,             // at once without gzip (D-3.6)
    suspect,           // one entry at least is bad: to be halved until it is found (D-7.2)
    rejected,          // refused for good: dead
    too_large,         // to be cut, else dead
    abandoned,         // we gave the attempt up ourselves, at close
};

// What kind of failure: how long to wait (D-6.2).
enum class failure : std::uint8_t { network, throttle, config, auth };

struct outcome {
    verdict what = verdict::retry;
    bool was_written = false;        // the peer had all of it before it failed
    bool was_unanswered = false;     // it failed because no acknowledgement came in time
    bool was_answered = false;       // with an error of the peer's: others may pass
    bool was_internal_error = false; // 500: over this payload, or over any (D-7.3)
    failure kind = failure::network;
    std::chrono::milliseconds retry_after{0}; // the peer's own wish, within its bounds
    std::chrono::milliseconds until_login{0}; // without a token; close cuts it short
    std::string why{};                        // for the log; empty when delivered
    std::vector<std::uint32_t> refused{};     // of partial: places in the payload's entries

    // Whether the peer may have applied it all the same.
    bool is_unclear() const noexcept {
        return (what == verdict::retry || what == verdict::again) && was_written && !was_answered;
    }
};

} // namespace monarc
