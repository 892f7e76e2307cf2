#pragma once

// A destination's verdict on one attempt.

#include <cstdint>
#include <string>

namespace monarc {

enum class verdict : std::uint8_t {
    delivered,         // the peer said so
    delivered_unacked, // the kernel took the last byte, and nobody was asked to answer
    retry,             // not delivered, as far as anyone knows
    abandoned,         // we gave the attempt up ourselves, at close
};

struct outcome {
    verdict what = verdict::retry;
    bool was_written = false;    // the peer had all of it before it failed
    bool was_unanswered = false; // it failed because no acknowledgement came in time
    std::string why{};           // for the log; empty when delivered
};

} // namespace monarc
