#pragma once

// Makes pushes and keeps the books about them. In the examples nothing may be lost, so a push that
// is refused is made again; a service that must not wait would go on, and stats() would say how
// many were refused.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace example {

// Durations of single pushes as the thread that makes them sees it, both readings of the clock
// included.
using push_times = std::vector<std::chrono::nanoseconds>;

// Threads: one.
class pusher {
public:
    template <class Push>
    void operator()(const Push& push) {
        using clock = std::chrono::steady_clock;
        for (;;) {
            const bool is_timed = ++calls_ % timed_each == 0;
            const auto begin = is_timed ? clock::now() : clock::time_point{};
            const bool is_accepted = push();
            if (is_accepted && is_timed) {
                times_.push_back(clock::now() - begin);
            }
            if (is_accepted) {
                break;
            }
            ++refused_;
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }

    std::uint64_t accepted() const noexcept { return calls_ - refused_; }
    std::uint64_t refused() const noexcept { return refused_; }
    const push_times& times() const noexcept { return times_; }

private:
    // No divisor of the number of pushes a row, so that each of them has its turn.
    static constexpr std::uint64_t timed_each = 7;

    std::uint64_t calls_ = 0;
    std::uint64_t refused_ = 0;
    push_times times_;
};

} // namespace example
