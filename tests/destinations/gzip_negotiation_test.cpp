#include "destinations/gzip_negotiation.hpp"

#include <doctest/doctest.h>

using namespace monarc;
using namespace monarc::destinations;
using namespace std::chrono_literals;

namespace {
constexpr gzip_negotiation::time_point start{};
} // namespace

TEST_SUITE("destinations/gzip_negotiation") {
TEST_CASE("gzip and none are no question") {
    gzip_negotiation always(compression_mode::gzip);
    gzip_negotiation never(compression_mode::none);
    for (int i = 0; i < 3; ++i) {
        CHECK(always.is_wanted(start));
        CHECK_FALSE(never.is_wanted(start));
        always.was_refused();
        never.was_taken(false, start);
    }
}

TEST_CASE("of a server that is not known one payload asks, and the others go plain meanwhile") {
    gzip_negotiation n(compression_mode::automatic);

    CHECK(n.is_wanted(start));
    CHECK_FALSE(n.is_wanted(start + 59s));
    CHECK(n.is_wanted(start + 60s)); // the one that asked was lost
}

TEST_CASE("where gzip is taken all that follow are compressed") {
    gzip_negotiation n(compression_mode::automatic);
    REQUIRE(n.is_wanted(start));
    n.was_taken(true, start + 1s);

    CHECK(n.is_wanted(start + 2s));
    CHECK(n.is_wanted(start + 24h));
}

TEST_CASE("where gzip is refused, and plain is taken, nothing is compressed for an hour") {
    gzip_negotiation n(compression_mode::automatic);
    REQUIRE(n.is_wanted(start));
    n.was_refused();
    CHECK_FALSE(n.is_wanted(start + 1s));
    n.was_taken(false, start + 2s);

    CHECK_FALSE(n.is_wanted(start + 1h));
    CHECK(n.is_wanted(start + 1h + 2s)); // one, to ask again
    CHECK_FALSE(n.is_wanted(start + 1h + 3s));
}

TEST_CASE("a plain payload that is taken says nothing before a compressed one was refused") {
    gzip_negotiation n(compression_mode::automatic);
    n.was_taken(false, start);

    CHECK(n.is_wanted(start));
}

TEST_CASE("of a server that takes gzip one refusal is about that payload only") {
    gzip_negotiation n(compression_mode::automatic);
    REQUIRE(n.is_wanted(start));
    n.was_taken(true, start);
    n.was_refused();
    n.was_taken(false, start);

    CHECK(n.is_wanted(start));
}
}
