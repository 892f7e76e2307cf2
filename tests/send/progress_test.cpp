#include "send/progress.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc::send;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
const progress::time_point start{};

progress halfway() {
    progress p;
    p.add({.bytes_total = 100 * mebibyte}, start);
    p.add(
        {.bytes_read = 50 * mebibyte,
         .bytes_total = 100 * mebibyte,
         .records = 20'000,
         .acknowledged = 19'000,
         .bad_lines = 3},
        start + 2s);
    return p;
}

} // namespace

TEST_SUITE("send/progress") {
TEST_CASE("a line says how far it is, how fast, and how long it will take") {
    CHECK(
        halfway().line() ==
        "50.0 of 100.0 MiB (50 %) read, 20000 records (10000/s, 25.0 MiB/s), 19000 acknowledged, "
        "ETA 0:02, 3 bad lines");
}

TEST_CASE("without a size there is neither share nor ETA") {
    progress p;
    p.add({.bytes_read = mebibyte, .records = 10, .acknowledged = 5}, start);
    CHECK(p.line() == "1.0 MiB read, 10 records (0/s, 0.0 MiB/s), 5 acknowledged");
    CHECK(p.bar(200, false).find('[') == std::string::npos);
}

TEST_CASE("a file that grows is read to 100 %, not beyond") {
    progress p;
    p.add({.bytes_read = 3 * mebibyte, .bytes_total = 2 * mebibyte}, start);
    CHECK(p.line().find("3.0 of 2.0 MiB (100 %) read") == 0);
}

TEST_CASE("a bar is never as wide as the terminal") {
    const auto p = halfway();
    CHECK(
        p.bar(200, false) ==
        "[==========          ]  50 % 20.0 k records (10.0 k/s, 25.0 MiB/s), 19.0 k acknowledged, "
        "ETA 0:02, 3 bad lines");
    for (std::size_t columns = 0; columns < 130; ++columns) {
        CHECK(p.bar(columns, false).size() < std::max<std::size_t>(columns, 1));
    }
}

TEST_CASE("colour is only there when it is wanted") {
    CHECK(halfway().bar(200, true).find("\x1b[32m") != std::string::npos);
    CHECK(halfway().bar(200, false).find('\x1b') == std::string::npos);
}

TEST_CASE("a receiver in trouble is named, on one line and without control characters") {
    progress p;
    p.add({.trouble = "connect x:1:\nrefused\x1b[2J"}, start);
    CHECK(p.line().find("waiting: connect") != std::string::npos);
    CHECK(p.bar(200, false).find("refused [2J") != std::string::npos);
    CHECK(p.bar(200, true).find("\x1b[2J") == std::string::npos);
}

TEST_CASE("rates are those of the last seconds") {
    progress p;
    for (int second = 0; second <= 20; ++second) {
        const auto fast = static_cast<std::uint64_t>(second < 10 ? second * 1000 : 10'000);
        p.add({.records = fast}, start + std::chrono::seconds(second));
    }
    CHECK(p.line().find("(0/s") != std::string::npos);
}

TEST_CASE("counts and durations for people") {
    CHECK(short_count(9999) == "9999");
    CHECK(short_count(12'345) == "12.3 k");
    CHECK(short_count(4'560'000) == "4.56 M");
    CHECK(short_duration(7s) == "0:07");
    CHECK(short_duration(3723s) == "1:02:03");
}
}
