#include "core/log.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;

namespace {

struct kept_line {
    log_level level;
    std::string text;

    bool operator==(const kept_line&) const = default;
};

struct kept_log {
    std::vector<kept_line> lines;
    logger log{[this](const log_line& line) {
        lines.push_back({line.level, std::string(line.text)});
    }};
};

constexpr repeated_failure::time_point start{};

} // namespace

TEST_SUITE("core/log") {
TEST_CASE("a callback gets every line with its level") {
    kept_log kept;

    for (const auto level :
         {log_level::debug, log_level::info, log_level::warning, log_level::error}) {
        kept.log(level, "where: what");
    }

    CHECK(
        kept.lines == std::vector<kept_line>{
                          {log_level::debug, "where: what"},
                          {log_level::info, "where: what"},
                          {log_level::warning, "where: what"},
                          {log_level::error, "where: what"}});
    CHECK(kept.log.exceptions() == 0);
}

TEST_CASE("an exception that leaves the callback is counted and goes no further") {
    int calls = 0;
    logger log([&](const log_line&) {
        if (++calls == 1) {
            throw std::runtime_error("full");
        }
        if (calls == 2) {
            throw 42;
        }
    });

    log(log_level::error, "1");
    log(log_level::error, "2");
    log(log_level::error, "3");

    CHECK(calls == 3);
    CHECK(log.exceptions() == 2);
}

TEST_CASE("D-1.4 a failure is told when it starts, once a minute with its count, when it ends") {
    kept_log kept;
    repeated_failure failing;

    failing.happened(kept.log, log_level::warning, "refused", start);
    for (int i = 1; i < 60; ++i) {
        failing.happened(kept.log, log_level::warning, "refused", start + i * 1s);
    }
    CHECK(kept.lines.size() == 1);
    failing.happened(kept.log, log_level::warning, "refused again", start + 60s);
    failing.happened(kept.log, log_level::warning, "refused", start + 119s);
    failing.happened(kept.log, log_level::error, "refused", start + 121s);
    failing.ended(kept.log, "delivering");

    CHECK(
        kept.lines == std::vector<kept_line>{
                          {log_level::warning, "refused"},
                          {log_level::warning, "refused again; 60 more since the last line"},
                          {log_level::error, "refused; 2 more since the last line"},
                          {log_level::info, "delivering; it had failed 63 times"}});
}

TEST_CASE("D-1.4 what did not fail does not end") {
    kept_log kept;
    repeated_failure failing;

    failing.ended(kept.log, "delivering");

    CHECK(kept.lines.empty());
}

TEST_CASE("D-1.4 after its end the same failure is told at once, and counted from one") {
    kept_log kept;
    repeated_failure failing;
    failing.happened(kept.log, log_level::warning, "refused", start);
    failing.happened(kept.log, log_level::warning, "refused", start + 1s);
    failing.ended(kept.log, "delivering");
    kept.lines.clear();

    failing.happened(kept.log, log_level::warning, "refused", start + 2s);
    failing.happened(kept.log, log_level::warning, "refused", start + 61s);
    failing.happened(kept.log, log_level::warning, "refused", start + 62s);
    failing.ended(kept.log, "delivering");

    CHECK(
        kept.lines == std::vector<kept_line>{
                          {log_level::warning, "refused"},
                          {log_level::warning, "refused; 2 more since the last line"},
                          {log_level::info, "delivering; it had failed 3 times"}});
}
}
