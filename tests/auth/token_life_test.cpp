#include "auth/token_life.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace monarc;
using namespace monarc::auth;
using namespace std::chrono_literals;

namespace {

using time_point = token_life::time_point;
constexpr time_point start = time_point{} + 1000h;
const double almost_one = std::nextafter(1.0, 0.0);

// One that was asked for at `at`.
token_life with_token(std::chrono::milliseconds life, time_point at = start, double uniform = 0.0) {
    token_life made;
    made.begin(at);
    made.obtained(life, uniform);
    return made;
}

} // namespace

TEST_SUITE("auth/token_life") {
TEST_CASE("the first login is due at once, and only one runs") {
    token_life life;

    CHECK(life.generation() == 0);
    CHECK_FALSE(life.is_valid(start));
    CHECK(life.is_due(start));
    life.begin(start);
    CHECK_FALSE(life.is_due(start + 1h));
}

TEST_CASE("D-11.2 a token is valid for its life, counted from when the login was sent") {
    const auto life = with_token(1h);

    CHECK(life.generation() == 1);
    CHECK(life.is_valid(start + 1h - 1ms));
    CHECK_FALSE(life.is_valid(start + 1h));
}

TEST_CASE("D-11.2 the refresh begins 120 s or a tenth before the end, at most half the life") {
    struct row {
        std::chrono::milliseconds life;
        std::chrono::milliseconds earliest; // from the start
        std::chrono::milliseconds latest;
    };
    for (const auto& [life, earliest, latest] : {
             row{1h, 54min - 180s, 54min},
             row{10min, 480s - 30s, 480s},
             row{5s, 2250ms, 2500ms},
             row{24h, 24h - 8640s - 4320s, 24h - 8640s},
             row{1s, 1s, 1s}, // two refreshes start at least a second apart
         }) {
        CHECK(with_token(life, start, 0.0).due_at() == start + latest);
        const auto early = with_token(life, start, almost_one).due_at() - start;
        CHECK(early >= earliest);
        CHECK(early <= earliest + 1ms);
    }
}

TEST_CASE("D-11.5 a margin of the caller's takes the place of the usual one") {
    token_life life;
    life.begin(start);
    life.obtained(1h, 0.0, 600s);

    CHECK(life.due_at() == start + 50min);
}

TEST_CASE("a token without an end is never asked for again") {
    const auto life = with_token(0ms);

    CHECK(life.is_valid(start + 24h * 365 * 100));
    CHECK_FALSE(life.is_due(start + 24h * 365 * 100));
}

TEST_CASE("D-11.1 while a refresh runs or has failed the old token stays in use until its end") {
    auto life = with_token(10s);
    life.begin(start + 5s);
    CHECK(life.is_valid(start + 6s));

    life.failed(failure::throttle, start + 6s, 0.5);

    CHECK(life.is_valid(start + 10s - 1ms));
    CHECK_FALSE(life.is_valid(start + 10s));
}

TEST_CASE("D-11.3 failed logins wait as token service, refused ones as auth") {
    const auto wait_after = [](failure why, int failures, double uniform) {
        token_life life;
        for (int i = 0; i < failures; ++i) {
            life.begin(start);
            life.failed(why, start, uniform);
        }
        return life.due_at() - start;
    };

    for (const auto why : {failure::network, failure::throttle}) {
        CHECK(wait_after(why, 1, almost_one) == 1s);
        CHECK(wait_after(why, 2, almost_one) == 2s);
        CHECK(wait_after(why, 100, almost_one) == 60s);
        CHECK(wait_after(why, 1, 0.0) == 1s); // at least a second from start to start
    }
    CHECK(wait_after(failure::auth, 1, almost_one) == 30s);
    CHECK(wait_after(failure::auth, 1, 0.0) == 15s);
    CHECK(wait_after(failure::auth, 100, almost_one) == 10min);
    CHECK(wait_after(failure::config, 100, almost_one) == 300s);
}

TEST_CASE("D-6.4 a service that asks to be left alone is asked again a little later than that") {
    token_life life;
    life.begin(start);
    life.failed(failure::throttle, start + 10ms, 0.5, 20s);
    CHECK(life.due_at() == start + 10ms + 21s);

    life.begin(start + 22s);
    life.failed(failure::auth, start + 22s, 0.0, 1s); // its own wait is longer
    CHECK(life.due_at() == start + 22s + 15s);
}

TEST_CASE("D-9.2 D-6.4 neither close nor a 401 shortens what the service asked for") {
    const auto asked_to_wait = [] {
        auto life = with_token(1h);
        life.begin(start + 50min);
        life.failed(failure::throttle, start + 50min, 0.0, 100s);
        return life;
    };
    auto closing = asked_to_wait();
    closing.cut_backoff();
    CHECK(closing.due_at() == start + 50min + 100s);
    closing.retry_now(); // the user's own wish
    CHECK(closing.due_at() == start + 50min + 1s);

    auto refused = asked_to_wait();
    CHECK(refused.refused(refused.generation(), start + 51min, 0.0));
    CHECK(refused.due_at() == start + 50min + 100s);

    token_life failing;
    failing.begin(start);
    failing.failed(failure::auth, start, 0.0); // the wait is ours
    failing.cut_backoff();
    CHECK(failing.due_at() == start + 1s);
}

TEST_CASE("a login that succeeds forgets the failures before it") {
    token_life life;
    for (int i = 0; i < 20; ++i) {
        life.begin(start);
        life.failed(failure::throttle, start, 0.5);
    }
    life.begin(start);
    life.obtained(10s, 0.0);
    life.begin(start + 6s);
    life.failed(failure::throttle, start + 6s, almost_one);

    CHECK(life.due_at() == start + 7s);
}

TEST_CASE("F17 D-11.4 a 401 ends its generation; whoever notices later only sends again") {
    auto life = with_token(1h);
    life.accepted(1);

    CHECK(life.refused(1, start + 3s, 0.5));
    CHECK_FALSE(life.is_valid(start + 2s));
    CHECK(life.is_due(start + 2s));
    CHECK(life.refused(1, start + 3s, 0.5)); // four payloads get it together
    life.begin(start + 2s);
    life.obtained(1h, 0.0);

    CHECK(life.generation() == 2);
    CHECK(life.refused(1, start + 3s, 0.5)); // a late one
    CHECK(life.is_valid(start + 3s));
}

TEST_CASE(
    "F17 D-11.4 a second 401 with the new token is for good, for all that were sent with it") {
    auto life = with_token(1h);
    REQUIRE(life.refused(1, start + 3s, 0.5));
    life.begin(start + 2s);
    life.obtained(1h, 0.0);

    CHECK_FALSE(life.refused(2, start + 3s, 0.5));
    CHECK_FALSE(life.refused(2, start + 4s, 0.5));
    CHECK_FALSE(life.is_valid(start + 3s));
    CHECK(life.due_at() == start + 3s + 22'500ms); // the wait of class auth: 15 s to 30 s
    CHECK(life.refused(1, start + 5s, 0.5));       // a late one changes nothing of that
    CHECK_FALSE(life.is_due(start + 25s));
    life.begin(start + 60s);
    life.obtained(1h, 0.0);
    CHECK_FALSE(life.refused(3, start + 3s, 0.5));
}

TEST_CASE("F17 D-11.4 a new token that was accepted once may be revoked like any other") {
    auto life = with_token(1h);
    REQUIRE(life.refused(1, start + 3s, 0.5));
    life.begin(start + 2s);
    life.obtained(1h, 0.0);
    life.accepted(2);

    CHECK(life.refused(2, start + 3s, 0.5));
}

TEST_CASE("D-11.2 after a 401 the next login begins a second after the one before") {
    auto life = with_token(1h);
    REQUIRE(life.refused(1, start + 3s, 0.5));

    CHECK_FALSE(life.is_due(start + 999ms));
    CHECK(life.is_due(start + 1s));
}

TEST_CASE("D-6.7 retry_now cuts the wait after a failure short, and nothing else") {
    token_life life;
    life.begin(start);
    life.failed(failure::auth, start, 0.5);
    REQUIRE_FALSE(life.is_due(start + 10s));
    life.retry_now();
    CHECK(life.is_due(start + 1s));

    auto valid = with_token(1h);
    valid.retry_now();
    CHECK_FALSE(valid.is_due(start + 30min));

    auto useless = with_token(1h);
    REQUIRE(useless.refused(1, start, 0.5));
    useless.begin(start + 1s);
    useless.obtained(1h, 0.5);
    REQUIRE_FALSE(useless.refused(2, start + 2s, 0.5));
    useless.retry_now();
    CHECK(useless.is_due(start + 2s));
}

TEST_CASE("a login that was given up neither waits nor counts") {
    token_life life;
    life.begin(start);
    life.abandoned();

    CHECK(life.is_due(start));
    CHECK(life.generation() == 0);
}

TEST_CASE("D-11.2 with a life of 5 s two minutes see at most 60 logins, and always a valid token") {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    token_life life;
    int logins = 0;
    for (auto now = start; now < start + 2min; now += 10ms) {
        if (life.is_due(now)) {
            life.begin(now);
            life.obtained(5s, uniform(random));
            ++logins;
        }
        CHECK(life.is_valid(now));
    }

    CHECK(logins <= 60);
    CHECK(logins >= 24);
}
}
