#include "core/clock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace monarc {
namespace {

#if defined(__x86_64__)
bool kernel_trusts_the_counter() noexcept {
    const int fd = ::open(
        "/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    char name[8]{};
    const auto bytes = ::read(fd, name, sizeof name);
    ::close(fd);
    return bytes >= 3 && std::memcmp(name, "tsc", 3) == 0;
}

bool counter_is_invariant() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}
#endif

std::int64_t wall_nanoseconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

} // namespace

bool counter_is_usable() noexcept {
#if defined(__x86_64__)
    return counter_is_invariant() && kernel_trusts_the_counter();
#else
    return false;
#endif
}

stamp_to_wall::stamp_to_wall(stamp_clock clock) noexcept : clock_(clock) {
    take_pair();
    first_stamp_ = pair_stamp_;
    first_monotonic_ = pair_monotonic_;
    if (clock_.counter) {
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
        ::nanosleep(&pause, nullptr);
        take_pair();
    }
}

void stamp_to_wall::refresh() noexcept {
    if (monotonic_nanoseconds() - pair_monotonic_ >= 1'000'000'000u) {
        take_pair();
    }
}

void stamp_to_wall::take_pair() noexcept {
    pair_monotonic_ = monotonic_nanoseconds();
    pair_stamp_ = clock_.now();
    pair_wall_ = wall_nanoseconds();
    if (clock_.counter && first_stamp_ != 0 && pair_stamp_ > first_stamp_) {
        nanoseconds_per_tick_ = static_cast<double>(pair_monotonic_ - first_monotonic_) /
                                static_cast<double>(pair_stamp_ - first_stamp_);
    }
}

} // namespace monarc
