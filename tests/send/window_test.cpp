#include "send/window.hpp"

#include <doctest/doctest.h>

using namespace monarc::send;

TEST_SUITE("send/window") {
TEST_CASE("there is room until what was pushed and is pending fills it") {
    window w(800);
    CHECK(w.has_room());

    for (int i = 0; i < 8; ++i) {
        w.pushed(100);
    }
    w.look(8);
    CHECK(w.waiting_bytes() == 800);
    CHECK_FALSE(w.has_room());

    w.look(0);
    CHECK(w.waiting_bytes() == 0);
    CHECK(w.has_room());
}

TEST_CASE("a look is due after an eighth") {
    window w(800);
    w.pushed(99);
    CHECK_FALSE(w.is_due());
    w.pushed(1);
    CHECK(w.is_due());
    w.look(2);
    CHECK_FALSE(w.is_due());
}

TEST_CASE("what is settled is known as exactly as there were looks, and never too early") {
    window w(1000);
    for (int look = 0; look < 4; ++look) {
        for (int i = 0; i < 10; ++i) {
            w.pushed(look == 0 ? 50 : 10);
        }
        w.look(10 * static_cast<std::uint64_t>(look + 1));
    }
    REQUIRE(w.waiting_bytes() == 500 + 300);

    w.look(31); // nine of the first ten are settled
    CHECK(w.waiting_bytes() == 800);
    w.look(30);
    CHECK(w.waiting_bytes() == 300);
    w.look(5);
    CHECK(w.waiting_bytes() == 100);
    w.look(0);
    CHECK(w.waiting_bytes() == 0);
}

TEST_CASE("a quarter of what the queue leaves of memory_limit is for what waits") {
    monarc::exporter_options options;
    options.memory_limit = 8u << 20;
    options.queue.capacity = 4096;
    CHECK(window::bytes_for(options) == ((8u << 20) - 4096 * 192) / 4);
}
}
