#include "core/clock.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

using namespace monarc;

namespace {

std::int64_t system_nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void check_it_follows_the_system_clock(stamp_clock clock) {
    const stamp_to_wall to_wall(clock);

    const auto before = system_nanoseconds();
    const auto stamp = clock.now();
    const auto after = system_nanoseconds();

    constexpr std::int64_t slack = 5'000'000;
    CHECK(to_wall(stamp) >= before - slack);
    CHECK(to_wall(stamp) <= after + slack);
}

} // namespace

TEST_SUITE("core/clock") {
TEST_CASE("a stamp of the monotonic clock turns into the time of the system clock") {
    check_it_follows_the_system_clock({.counter = false});
}

TEST_CASE("a stamp of the processor's counter turns into the time of the system clock") {
    if (!counter_is_usable()) {
        std::puts("SKIP stamps of the processor's counter: it is not usable here");
        return;
    }
    check_it_follows_the_system_clock({.counter = true});
}

TEST_CASE("stamps before and after the pair that was read keep their distance in wall time") {
    const stamp_clock clock{.counter = false};
    const stamp_to_wall to_wall(clock);
    const auto stamp = clock.now();

    CHECK(to_wall(stamp + 2'000'000'000) - to_wall(stamp) == 2'000'000'000);
    CHECK(to_wall(stamp) - to_wall(stamp - 3'000'000'000) == 3'000'000'000);
}

TEST_CASE("stamps of one thread never run backwards") {
    for (const bool counter : {false, counter_is_usable()}) {
        const stamp_clock clock{.counter = counter};
        auto last = clock.now();
        bool is_ordered = true;
        for (int i = 0; i < 10'000; ++i) {
            const auto now = clock.now();
            is_ordered = is_ordered && now >= last;
            last = now;
        }
        CHECK(is_ordered);
    }
}
}
