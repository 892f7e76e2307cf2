#pragma once

// The stamps of records: the raw counter of the processor where it is fit for it, else
// CLOCK_MONOTONIC.

#include <time.h>

#include <chrono>
#include <cstdint>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace monarc {

// Reads nanoseconds without a system call (vDSO). Not inlined: a push that reads the counter would
// keep room on its stack for it.
[[gnu::noinline]] inline std::uint64_t monotonic_nanoseconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

// Whether the counter runs at one rate on all cores and the kernel itself trusts it.
bool counter_is_usable() noexcept;

struct stamp_clock {
    bool counter = false;

    // What a push costs itself. The processor may read the counter before the loads in front of it
    // are done, by some tens of nanoseconds.
    [[gnu::always_inline]] std::uint64_t now() const noexcept {
#if defined(__x86_64__)
        if (counter) [[likely]] {
            return __rdtsc();
        }
#endif
        return monotonic_nanoseconds();
    }

    // Not before the loads in front of it are done: no stamp that this thread can know of is
    // younger.
    [[gnu::always_inline]] std::uint64_t now_after_loads() const noexcept {
#if defined(__x86_64__)
        if (counter) [[likely]] {
            _mm_lfence();
        }
#endif
        return now();
    }
};

// Turns stamps into wall time, from pairs read now and then. Threads: one.
class stamp_to_wall {
public:
    // Reads the clocks twice, 1 ms apart, to learn the rate of the counter.
    explicit stamp_to_wall(stamp_clock clock) noexcept;

    // Takes a new pair when the last is older than a second, so that the wall clock may be set
    // meanwhile.
    void refresh() noexcept;

    // Nanoseconds since 1970.
    std::int64_t operator()(std::uint64_t stamp) const noexcept {
        const auto ticks = static_cast<double>(static_cast<std::int64_t>(stamp - pair_stamp_));
        return pair_wall_ + static_cast<std::int64_t>(ticks * nanoseconds_per_tick_);
    }

private:
    void take_pair() noexcept;

    stamp_clock clock_;
    double nanoseconds_per_tick_ = 1.0;
    std::uint64_t first_stamp_ = 0;
    std::uint64_t first_monotonic_ = 0;
    std::uint64_t pair_stamp_ = 0;
    std::uint64_t pair_monotonic_ = 0;
    std::int64_t pair_wall_ = 0;
};

} // namespace monarc
