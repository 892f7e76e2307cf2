#pragma once

// Whether a server takes gzip (monasca-api.md section 8). Pure.

#include <monarc/options.hpp>

#include <chrono>
#include <cstdint>

namespace monarc::destinations {

class gzip_negotiation {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit gzip_negotiation(compression_mode mode) noexcept : mode_(mode) {}

    // Whether the payload in hand is to be compressed. To a server of which nothing is known one
    // goes compressed, to find out; until its answer is there the others go plain.
    bool is_wanted(time_point now) noexcept;

    void was_taken(bool is_gzip, time_point now) noexcept;
    // 400 or 415 to a compressed one: the same plain will tell whether that was why.
    void was_refused() noexcept;

private:
    enum class state : std::uint8_t { unknown, asked, doubted, supported, unsupported };

    compression_mode mode_;
    state state_ = state::unknown;
    time_point ask_again_at_{};
};

} // namespace monarc::destinations
