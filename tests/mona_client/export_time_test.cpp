#include "mona_client/export_time.hpp"
#include "support/msgpack_text.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <optional>

using namespace monarc;
using mona_client::export_time;
using mona_client::read_time;

namespace {

std::optional<std::int64_t> seconds_of(const mona::timestamp& when) {
    const auto time = read_time(when);
    CHECK(time.wrong == export_time::fault::none);
    return time.seconds;
}

// What goes out as MONA_INVALID_EXPORT_TIMESTAMP.
std::string offered(const mona::timestamp& when, export_time::fault wrong) {
    const auto time = read_time(when);
    CHECK(time.wrong == wrong);
    CHECK_FALSE(time.seconds);
    return time.offered ? support::as_text(*time.offered) : "no JSON";
}

constexpr auto out_of_range = export_time::fault::out_of_range;
constexpr auto not_number = export_time::fault::not_number;

} // namespace

TEST_SUITE("mona_client/export_time") {
TEST_CASE("nothing, and what Python takes for false, is now") {
    for (const auto& when :
         {mona::timestamp(),
          mona::timestamp(nullptr),
          mona::timestamp(0),
          mona::timestamp(0.0),
          mona::timestamp(-0.0),
          mona::timestamp(json("null")),
          mona::timestamp(json("0")),
          mona::timestamp(json("0.0")),
          mona::timestamp(json("false")),
          mona::timestamp(json("\"\"")),
          mona::timestamp(json("[]")),
          mona::timestamp(json("{}")),
          mona::timestamp(std::optional<int>())}) {
        CHECK(seconds_of(when) == std::nullopt);
    }
}

TEST_CASE("fractions are cut toward zero") {
    CHECK(seconds_of(1'600'000'000.999) == 1'600'000'000);
    CHECK(seconds_of(-1.9) == -1);
    CHECK(seconds_of(-0.5) == 0);
    CHECK(seconds_of(json("-1.9")) == -1);
    CHECK(seconds_of(json("true")) == 1);
}

TEST_CASE("a time is one between the second day of the year 1 and the end of 9999") {
    CHECK(seconds_of(253'402'300'799) == 253'402'300'799);
    CHECK(seconds_of(253'402'300'799.5) == 253'402'300'799);
    CHECK(seconds_of(-62'135'510'400) == -62'135'510'400);
    CHECK(seconds_of(json("253402300799")) == 253'402'300'799);

    CHECK(offered(253'402'300'800, out_of_range) == "253402300800");
    CHECK(offered(-62'135'510'401, out_of_range) == "-62135510401");
    CHECK(offered(-62'135'510'400.5, out_of_range) == "-62135510400.5");
    CHECK(offered(json("1600000000000"), out_of_range) == "1600000000000"); // milliseconds
    CHECK(offered(json("18446744073709551615"), out_of_range) == "18446744073709551615");
    CHECK(offered(std::numeric_limits<double>::quiet_NaN(), out_of_range) == "nan");
    CHECK(offered(json("Infinity"), out_of_range) == "inf");
    CHECK(offered(json("-Infinity"), out_of_range) == "-inf");
}

TEST_CASE("whatever else is JSON is told as it is, what is none not at all") {
    CHECK(offered(json("\"1600000000\""), not_number) == "\"1600000000\"");
    CHECK(offered(json("{\"x\":[1,null]}"), not_number) == "{\"x\": [1, null]}");
    CHECK(offered(json("{oops"), not_number) == "no JSON");
}

TEST_CASE("a moment is a time, that of 1970 too") {
    using namespace std::chrono;
    CHECK(seconds_of(system_clock::time_point(milliseconds(-1500))) == -1);
    CHECK(seconds_of(system_clock::time_point()) == 0);
    CHECK(seconds_of(sys_days(year(2020) / 9 / 13)) == 1'599'955'200);
}
}
