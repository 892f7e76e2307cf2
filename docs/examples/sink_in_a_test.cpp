// A test of code that pushes, with a receiver inside the test program.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sink/server.hpp"

#include <monarc/monarc.hpp>

#include <doctest/doctest.h>

using namespace monarc::literals;
using namespace std::chrono_literals;

TEST_CASE("every amount arrives") {
    monarc::sink::server sink({.sum_field = "amount"}); // any free port of the loopback
    monarc::exporter exporter({.mona = monarc::mona_forward_options{.port = sink.port()}});
    exporter.push("payment"_class("1"), "amount"_key = 30);
    exporter.push("payment"_class("2"), "amount"_key = 12);
    REQUIRE(exporter.flush(10s).is_clean());
    CHECK(sink.snapshot().contexts == 2);
    CHECK(sink.snapshot().fields == 2);
}
