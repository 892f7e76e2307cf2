#pragma once

// The ledger at rest (delivery.md D-1.7): three counts that know nothing of each other must agree,
// the application's calls, the exporter's terms, and what the receiver got.

#include "support/plain_receiver.hpp"

#include <monarc/exporter.hpp>
#include <monarc/stats.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>

namespace support {

// The application's count of what its pushes returned.
class push_counts {
public:
    bool operator()(bool was_accepted) noexcept {
        (was_accepted ? accepted_ : rejected_).fetch_add(1, std::memory_order_relaxed);
        return was_accepted;
    }
    void add(std::uint64_t accepted, std::uint64_t rejected) noexcept {
        accepted_.fetch_add(accepted, std::memory_order_relaxed);
        rejected_.fetch_add(rejected, std::memory_order_relaxed);
    }
    std::uint64_t accepted() const noexcept { return accepted_; }
    std::uint64_t rejected() const noexcept { return rejected_; }

private:
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> rejected_{0};
};

inline void check_calls(const monarc::exporter_stats& stats, const push_counts& pushes) {
    CHECK(stats.is_exact());
    CHECK(stats.accepted == pushes.accepted());
    CHECK(stats.rejected.total() == pushes.rejected());
    CHECK(stats.pushed == pushes.accepted() + pushes.rejected());
}

// After close. Every push has `fields_per_push` fields; `received` are the fields that came.
inline void check_ledger(
    const monarc::exporter_stats& stats,
    const push_counts& pushes,
    std::uint64_t received,
    std::uint64_t fields_per_push = 1) {
    check_calls(stats, pushes);
    REQUIRE(stats.destinations.size() == 1);
    const auto& to = stats.destinations[0];
    CHECK(to.pending == 0);
    // What was sent but not acknowledged in time may have arrived all the same.
    CHECK(received >= fields_per_push * to.delivered);
    CHECK(received <= fields_per_push * (to.delivered + to.dropped.total()));
}

} // namespace support
