#include "core/backoff.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <utility>

using namespace monarc;
using namespace std::chrono_literals;

namespace {
const double almost_one = std::nextafter(1.0, 0.0);
} // namespace

TEST_SUITE("core/backoff") {
TEST_CASE("D-6.2 the bound of the wait doubles with each failure and stops at max_wait") {
    const retry_options retry{.min_wait = 100ms, .max_wait = 350ms};

    CHECK(wait_before_retry(retry, 1, almost_one) == 100ms);
    CHECK(wait_before_retry(retry, 2, almost_one) == 200ms);
    CHECK(wait_before_retry(retry, 3, almost_one) == 350ms);
    CHECK(wait_before_retry(retry, 3, 0.0) == 50ms);
}

TEST_CASE("D-6.2 with the defaults the wait is 25 ms to 50 ms first and to 30 s in the end") {
    const retry_options retry;

    CHECK(wait_before_retry(retry, 1, 0.0) == 25ms);
    CHECK(wait_before_retry(retry, 1, almost_one) == 50ms);
    CHECK(wait_before_retry(retry, 2, 0.5) == 63ms); // 25 + 37.5, rounded up
    CHECK(wait_before_retry(retry, 10, almost_one) == 25'600ms);
    CHECK(wait_before_retry(retry, 11, almost_one) == 30s);
}

TEST_CASE("D-6.2 any number of failures waits no longer than max_wait") {
    const retry_options retry{.min_wait = 1ms, .max_wait = 1h};

    for (const int level : {23, 64, 65, 1'000'000}) {
        CHECK(wait_before_retry(retry, level, almost_one) == 1h);
    }
    CHECK(wait_before_retry({.min_wait = 7ms, .max_wait = 7ms}, 9, almost_one) == 7ms);
}

TEST_CASE("D-6.2 the waits of many destinations spread evenly") {
    const retry_options retry;
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> uniform;
    double sum = 0;
    constexpr int draws = 100'000;

    for (int i = 0; i < draws; ++i) {
        const auto wait = wait_before_retry(retry, 11, uniform(random));
        CHECK_MESSAGE((wait >= 25ms && wait <= 30s), wait.count());
        sum += static_cast<double>(wait.count());
    }

    CHECK(sum / draws == doctest::Approx(15'012.5).epsilon(0.01));
}

TEST_CASE("D-6.1 the top level is where the longest wait is reached") {
    CHECK(top_level({}) == 11); // 50 ms · 2^10 = 51.2 s
    CHECK(top_level({.min_wait = 100ms, .max_wait = 350ms}) == 3);
    CHECK(top_level({.min_wait = 100ms, .max_wait = 400ms}) == 3);
    CHECK(top_level({.min_wait = 100ms, .max_wait = 401ms}) == 4);
    CHECK(top_level({.min_wait = 7ms, .max_wait = 7ms}) == 1);
    CHECK(top_level({.min_wait = 1ms, .max_wait = 1h}) == 23);
}

TEST_CASE("D-6.2 the first and the longest wait depend on the kind of failure") {
    const retry_options network{.min_wait = 1s, .max_wait = 60s};
    const auto waits = [&](failure kind) {
        const auto of = waits_of(kind, network);
        return std::pair<std::chrono::milliseconds, std::chrono::milliseconds>(
            of.min_wait, of.max_wait);
    };

    CHECK(waits(failure::network) == std::pair(1000ms, 60'000ms));
    CHECK(waits(failure::throttle) == std::pair(1000ms, 60'000ms));
    CHECK(waits(failure::config) == std::pair(1000ms, 300'000ms));
    CHECK(waits(failure::auth) == std::pair(30'000ms, 600'000ms));
}

TEST_CASE("D-6.2 only the waits of the network are the destination's own") {
    const retry_options network{.min_wait = 7ms, .max_wait = 9ms, .max_attempts = 3};

    CHECK(waits_of(failure::network, network).min_wait == 7ms);
    CHECK(waits_of(failure::throttle, network).max_wait == 60s);
    CHECK(waits_of(failure::throttle, network).max_attempts == 3);
}

TEST_CASE("F11 D-6.2 throttle waits lie within their bounds, their mean where the bounds say") {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> uniform;
    const auto retry = waits_of(failure::throttle, {});
    for (const int level : {1, 2, 4, 7, 50}) {
        const auto bound = std::min(60'000.0, 1000.0 * std::pow(2.0, level - 1));
        double sum = 0.0;
        int outside = 0;
        constexpr int draws = 100'000;
        for (int i = 0; i < draws; ++i) {
            const auto wait =
                static_cast<double>(wait_before_retry(retry, level, uniform(random)).count());
            sum += wait;
            outside += wait < 500.0 || wait > bound ? 1 : 0;
        }

        CAPTURE(level);
        CHECK(outside == 0);
        CHECK(sum / draws == doctest::Approx((500.0 + bound) / 2).epsilon(0.05));
    }
}
}
