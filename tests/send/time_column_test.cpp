#include "send/time_column.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc::send;
using namespace std::chrono_literals;

namespace {

std::string read(const value& from, time_form form = time_form::automatic) {
    time_point when;
    const auto wrong = read_time(from, form, when);
    return wrong.empty() ? to_iso8601(when) : wrong;
}
std::string read(const char* text, time_form form = time_form::automatic) {
    return read(value(std::string_view(text)), form);
}

} // namespace

TEST_SUITE("send/time_column") {
TEST_CASE("numbers are seconds below 10^11 and milliseconds above, also as text") {
    CHECK(read(value(std::int64_t{1700000000})) == "2023-11-14T22:13:20.000Z");
    CHECK(read(value(std::int64_t{1700000000123})) == "2023-11-14T22:13:20.123Z");
    CHECK(read(value(1700000000.5)) == "2023-11-14T22:13:20.500Z");
    CHECK(read("1700000000") == "2023-11-14T22:13:20.000Z");
    CHECK(read("1700000000123") == "2023-11-14T22:13:20.123Z");
    CHECK(read("0") == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("a unit can be said") {
    CHECK(read("100000", time_form::milliseconds) == "1970-01-01T00:01:40.000Z");
    CHECK(read("4000000000", time_form::seconds) == "2096-10-02T07:06:40.000Z");
    CHECK(read("1700000000123", time_form::seconds).find("not") != std::string::npos);
    CHECK(
        read("2026-01-31", time_form::seconds).find("is not a number of seconds") !=
        std::string::npos);
    CHECK(
        read(value(std::int64_t{1700000000}), time_form::iso8601).find("ISO 8601") !=
        std::string::npos);
}

TEST_CASE("ISO 8601 with and without time, fraction and offset; without an offset it is UTC") {
    CHECK(read("2026-01-31") == "2026-01-31T00:00:00.000Z");
    CHECK(read("2026-01-31T12:30") == "2026-01-31T12:30:00.000Z");
    CHECK(read("2026-01-31 12:30:05") == "2026-01-31T12:30:05.000Z");
    CHECK(read("2026-01-31T12:30:05.123456789Z") == "2026-01-31T12:30:05.123Z");
    CHECK(read("2026-01-31t12:30:05,5z") == "2026-01-31T12:30:05.500Z");
    CHECK(read("2026-01-31T00:30:00+01:00") == "2026-01-30T23:30:00.000Z");
    CHECK(read("2026-01-31T12:30:00-0530") == "2026-01-31T18:00:00.000Z");
    CHECK(read("2026-01-31T12:30:00+02") == "2026-01-31T10:30:00.000Z");
    CHECK(read("2024-02-29T23:59:60Z") == "2024-03-01T00:00:00.000Z");
    CHECK(read("2026-01-31", time_form::iso8601) == "2026-01-31T00:00:00.000Z");
}

TEST_CASE("what is no time is named") {
    for (const auto* const text :
         {"yesterday",
          "2026-02-30",
          "2026-13-01",
          "2026-1-1",
          "2026-01-31T24:00",
          "2026-01-31T",
          "2026-01-31T12:60",
          "2026-01-31T12:30:00.",
          "2026-01-31T12:30:00+25:00",
          "2026-01-31T12:30:00Zx",
          "2026-01-31x",
          "1e300",
          "-1",
          ""}) {
        CAPTURE(text);
        const auto wrong = read(text);
        CHECK(wrong.find("is not") != std::string::npos);
        CHECK(wrong.find(text) != std::string::npos);
    }
    CHECK(read(value(nullptr)).find("null is not a time") == 0);
    CHECK(read(value(missing{})).find("nothing is not a time") == 0);
    CHECK(read(value(true)).find("true is not a time") == 0);
    CHECK(
        read(value(std::int64_t{1700000000123456})) ==
        "1700000000123456 is not between 1970 and 2106, in milliseconds");
    CHECK(read("99999999999") == "\"99999999999\" is not between 1970 and 2106, in seconds");
    CHECK(read(value(std::int64_t{-5})) == "-5 is not between 1970 and 2106, in seconds");
    CHECK(
        read(value(std::uint64_t{18446744073709551615u})).find("in milliseconds") !=
        std::string::npos);
    CHECK(read("1969-12-31").find("between 1970 and 2106") != std::string::npos);
    CHECK(read("2107-01-01").find("between 1970 and 2106") != std::string::npos);
}
}
