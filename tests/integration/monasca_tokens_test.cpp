// What a token goes through in its life while records are pushed: logins that fail, an identity
// service that is away or silent, revocation, a role that is lost (delivery.md D-11, monasca-api.md
// section 7.3).

#include "support/keystone_scene.hpp"
#include "support/rest_receiver.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

using sink::http_answer;
using sink::http_request;

// A machine that has other things to do is late by so much now and then; never early.
const auto late = patience(2500ms);

// Pushes as long as `goes_on` says, one record in 4 ms: one of kind every has a millisecond of its
// own. Returns: how many were accepted.
template <class Condition>
std::uint64_t push_while(const series& each, Condition&& goes_on) {
    std::uint64_t accepted = 0;
    while (goes_on()) {
        accepted += each.push(static_cast<double>(accepted)) ? 1 : 0;
        std::this_thread::sleep_for(4ms);
    }
    return accepted;
}

std::uint64_t push_for(const series& each, std::chrono::milliseconds length) {
    const auto begin = steady::now();
    return push_while(each, [&] { return since(begin) < length; });
}

std::vector<keystone_request> logins_of(const keystone_scene& s) {
    auto all = s.keystone.requests();
    std::erase_if(all, [](const auto& one) { return one.http.method != "POST"; });
    return all;
}

std::size_t lines_from(const log_book& log, log_level level) {
    const auto all = log.lines();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.level >= level; }));
}

// Requests with a token, of those that arrived from `begin` on and before `end`.
std::size_t requests_with(
    const keystone_scene& s,
    std::string_view token,
    steady::time_point begin = steady::time_point::min(),
    steady::time_point end = steady::time_point::max()) {
    const auto all = s.monasca.requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
        return one.http.field("X-Auth-Token") == token && one.arrived >= begin && one.arrived < end;
    }));
}

} // namespace

TEST_SUITE("integration/monasca_tokens") {
// MONARC_TEST_TOKEN_SECONDS=120 is the run of two minutes.
TEST_CASE("D-11.3 logins answered 503 while the token is valid: one new token for each that ends") {
    constexpr auto life = 9s; // due after 4.05 s to 4.5 s, and had after 2 s to 3 s of trouble
    const auto length = length_of_run("MONARC_TEST_TOKEN_SECONDS", 16s);
    keystone_scene s;
    s.keystone.set_life(life);
    std::size_t asked = 0; // the server's thread
    s.keystone.set_hook([&](const http_request& r, http_answer& answer) {
        if (r.method == "POST" && asked++ % 3 != 0) {
            answer.response = {503, {}, "in trouble"};
        }
    });
    s.monasca.start();
    exporter e(s.options());
    const auto pushed = push_for(open_each(e), length);
    CHECK(e.flush(patience(30s)).is_clean());

    const auto stats = e.stats();
    check_all_arrived(stats, s, pushed);
    const auto all = logins_of(s);
    std::size_t issued = 0;
    std::size_t waits = 0;
    std::chrono::duration<double> waited{0};
    bool had_always_one = true; // a machine that stands still may be late for it
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i].status == (i % 3 == 0 ? 201 : 503));
        issued += all[i].status == 201 ? 1 : 0;
        if (i == 0) {
            continue;
        }
        const auto apart = all[i].arrived - all[i - 1].arrived;
        if (i % 3 == 1) { // half of the life and up to a twentieth before its end
            CHECK(apart > 3000ms);
            CHECK(apart < 4500ms + late);
        } else { // token service: 0.5 s to 1 s, then to 2 s, but starts are a second apart
            CHECK(apart >= 500ms);
            CHECK(apart < (i % 3 == 2 ? 1000ms : 2000ms) + late);
            waited += apart;
            ++waits;
        }
        if (i % 3 == 0) { // exactly one for the token before
            const auto token_lasted = all[i].arrived - all[i - 3].arrived;
            CHECK(token_lasted > life / 2);
            CHECK(token_lasted < life + late);
            had_always_one = had_always_one && token_lasted < life;
            // Sending went on with it while there was trouble.
            const auto old = fmt::format("fake-token-{}", i / 3);
            CHECK(requests_with(s, old, all[i - 2].arrived, all[i].arrived) > 0);
        }
    }
    CHECK(issued >= static_cast<std::size_t>(length / (life + late)) + 1);
    REQUIRE(waits > 0);
    CHECK(waited / waits > 0.8s);
    if (had_always_one) {
        CHECK(only(stats).retries == 0);
        CHECK(s.refused == 0);
    }
    CHECK(only(stats).logins == issued);
    CHECK(only(stats).failed_logins == all.size() - issued);
    const auto series_of_failures = (all.size() - 1 + 2) / 3; // the last may not have ended
    CHECK(s.log.count("503") == series_of_failures);
    CHECK(s.log.count("the present token goes on being used") == series_of_failures);
    CHECK(lines_from(s.log, log_level::warning) == series_of_failures);
    CHECK(s.log.count("Keystone: a new token after 2 failed logins") == issued - 1); // D-1.4
    CHECK(s.log.count("s3cret") + s.log.count("fake-token") == 0);
    MESSAGE(
        length.count() << " s, " << pushed << " records, " << issued << " logins, "
                       << all.size() - issued << " failed ones");
}

TEST_CASE("D-11.3 a refused login while the token is valid: sending goes on, nobody is hammered") {
    keystone_scene s;
    s.keystone.set_life(4s);
    std::atomic<bool> is_locked{false};
    s.keystone.set_hook([&](const http_request&, http_answer& answer) {
        if (is_locked) {
            answer.response = {401, {{"Content-Type", "application/json"}}, token_401};
        }
    });
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(-1);
    CHECK(e.flush(patience(5s)).is_clean());
    is_locked = true;
    auto pushed = 1 + push_while(each, [&] { return s.keystone.logins() < 2; });
    const auto refused_at = steady::now();
    pushed += push_for(each, 1s);
    CHECK(requests_with(s, "fake-token-1", refused_at) > 0);
    pushed += push_for(each, 4s); // beyond the end of the token
    CHECK(wait_until(
        [&] { return only(e.stats()).state == health::rejected_credentials; }, patience(5s)));
    CHECK(s.keystone.logins() == 2); // 15 s to 30 s
    CHECK(s.log.count("the present token goes on being used") == 1);
    CHECK(only(e.stats()).pending > 0);
    CHECK(only(e.stats()).last_error.find("401") != std::string::npos);

    is_locked = false;
    e.retry_now();
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(s.keystone.logins() == 3);
    CHECK(only(e.stats()).failed_logins == 1);
    CHECK(only(e.stats()).state == health::ok);
    CHECK(s.refused == 0);
    check_all_arrived(e.stats(), s, pushed);
}

// MONARC_TEST_OUTAGE_SECONDS=30 is the outage of half a minute.
TEST_CASE("F18 Keystone away until after the token's end: sent till then, kept, all sent after") {
    constexpr auto life = 5s;
    const auto outage = length_of_run("MONARC_TEST_OUTAGE_SECONDS", 7s);
    keystone_scene s;
    s.keystone.set_life(life);
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(-1);
    CHECK(e.flush(patience(5s)).is_clean());
    const auto issued_at = logins_of(s).at(0).arrived;
    const auto away = steady::now();
    s.keystone.stop();
    auto pushed = 1 + push_for(each, outage);
    const auto during = e.stats();
    const auto back = steady::now();
    s.keystone.start();
    pushed += push_for(each, 1s);
    CHECK(e.flush(outage + patience(30s)).is_clean()); // by itself: no wait is longer than 1.1 × it

    CHECK(during.is_exact());
    CHECK(only(during).state != health::ok);
    CHECK(only(during).pending > 0);
    CHECK(only(during).logins == 1);
    CHECK(only(during).failed_logins >= 2);
    CHECK(only(during).failed_logins <= static_cast<std::size_t>(outage / 1s)); // D-11.3
    CHECK(only(during).last_error.starts_with("Keystone: "));
    CHECK(requests_with(s, "fake-token-1", away) > 0);
    CHECK(requests_with(s, "fake-token-1", issued_at + life + late) == 0);
    CHECK(requests_with(s, "fake-token-2", away, back) == 0);
    CHECK(s.refused == 0);
    CHECK(s.keystone.logins() == s.keystone.issued());
    CHECK(s.log.count("the present token goes on being used") == 1);
    CHECK(s.log.count("records wait, next attempt in") == 1);
    CHECK(s.log.count("monasca: delivering again") == 1);
    const auto stats = e.stats();
    CHECK(
        s.log.count(fmt::format(
            "Keystone: a new token after {} failed logins", only(stats).failed_logins)) == 1);
    CHECK(only(stats).logins == s.keystone.issued());
    CHECK(only(stats).state == health::ok);
    check_all_arrived(stats, s, pushed);
    MESSAGE(
        outage.count() << " s away, " << pushed << " records, " << only(stats).failed_logins
                       << " failed logins");
}

TEST_CASE("F18 a Keystone that never answers holds nothing up while the token is valid") {
    keystone_scene s;
    s.keystone.set_life(6s); // due after 2.7 s to 3 s
    std::atomic<bool> is_mute{false};
    s.keystone.set_hook([&](const http_request&, http_answer& answer) {
        if (is_mute) {
            answer.response.status = 0; // no token is issued
            answer.is_silent = true;
            answer.then = http_answer::ending::stall;
        }
    });
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(-1);
    CHECK(e.flush(patience(5s)).is_clean());
    is_mute = true;
    auto pushed = 1 + push_while(each, [&] { return s.keystone.logins() < 2; });
    const auto begin = steady::now();
    pushed += push_for(each, 500ms); // the login has 2 s for its answer
    const auto sent = requests_with(s, "fake-token-1", begin);
    const auto stats = e.stats();
    is_mute = false;

    CHECK(sent > 0);
    CHECK(only(stats).retries == 0);
    CHECK(e.flush(patience(20s)).is_clean());
    check_all_arrived(e.stats(), s, pushed);
}

TEST_CASE("D-11.4 tokens revoked under load: one login for each, no loss, nothing waits") {
    constexpr int times = 3;
    keystone_scene s;
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    std::uint64_t pushed = 0;
    for (int i = 0; i < times; ++i) {
        pushed += push_for(each, 1200ms); // as far apart as logins may be
        s.keystone.revoke_all();
    }
    pushed += push_for(each, 1200ms);
    CHECK(e.flush(patience(10s)).is_clean());

    const auto stats = e.stats();
    CHECK(s.keystone.logins() == times + 1);
    CHECK(only(stats).logins == times + 1);
    CHECK(only(stats).failed_logins == 0);
    CHECK(only(stats).retries == 0); // sent again at once, which is no failed attempt
    CHECK(only(stats).state == health::ok);
    CHECK(s.refused >= times);
    CHECK(s.refused <= times * 4); // what was under way when it was noticed
    CHECK(s.log.count("go again with another token") == static_cast<std::size_t>(s.refused.load()));
    CHECK(lines_from(s.log, log_level::warning) == 0);
    CHECK(s.log.count("fake-token") + s.log.count("s3cret") == 0);
    const auto all = logins_of(s);
    for (std::size_t i = 1; i < all.size(); ++i) {
        CHECK(all[i].arrived - all[i - 1].arrived > 600ms); // D-11.2: a second, and somebody late
    }
    check_all_arrived(stats, s, pushed);
}

TEST_CASE("D-11.4 a second 401 to a fresh token: said once, the data is kept, and then delivered") {
    std::atomic<bool> refuses{true};
    keystone_scene s;
    s.also = [&](const monasca_request&, monasca_reaction& r) {
        if (refuses) {
            r.refuse(401, {{"Content-Type", "application/json"}}, token_401);
        }
    };
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    auto pushed =
        push_while(each, [&] { return only(e.stats()).state != health::rejected_credentials; });
    pushed += push_for(each, 3s);

    const auto during = e.stats();
    CHECK(during.is_exact());
    CHECK(only(during).pending == pushed);
    CHECK(only(during).logins == 2);
    CHECK(s.keystone.logins() == 2);
    CHECK(lines_from(s.log, log_level::warning) == 1);
    CHECK(s.log.count("401 Unauthorized") >= 1);
    CHECK(only(during).last_error.find("401") != std::string::npos);
    refuses = false;
    e.retry_now();
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(s.log.count("monasca: delivering again") == 1);
    CHECK(only(e.stats()).state == health::ok);
    check_all_arrived(e.stats(), s, pushed);
}

TEST_CASE("D-11.4 whoever learns late of a 401 does not log in again when that was no use") {
    std::atomic<int> with_first{0};
    keystone_scene s;
    s.keystone.set_hook([](const http_request&, http_answer& answer) {
        answer.wait = 300ms; // so that four payloads wait for the first token
    });
    s.also = [&](const monasca_request& r, monasca_reaction& reaction) {
        reaction.refuse(401, {{"Content-Type", "application/json"}}, token_401);
        if (r.http.field("X-Auth-Token") == "fake-token-1" && with_first++ > 0) {
            reaction.wait = 2s; // the second token, a second after the first, is refused before
        }
    };
    s.monasca.start();
    auto options = s.options();
    options.batch.max_records = 1;
    options.response_timeout = 30s;
    exporter e(options);
    const auto pushed = push_for(open_each(e), 100ms);
    CHECK(wait_until([&] { return with_first == 4; }, patience(5s)));
    CHECK(wait_until(
        [&] { return only(e.stats()).state == health::rejected_credentials; }, patience(10s)));
    std::this_thread::sleep_for(2500ms);

    CHECK(s.keystone.logins() == 2);
    CHECK(requests_with(s, "fake-token-2") >= 1);
    CHECK(requests_with(s, "fake-token-3") == 0);
    CHECK(only(e.stats()).pending == pushed);
    CHECK(e.close(0ms).dropped == pushed);
    CHECK(e.stats().is_exact());
}

TEST_CASE("a role that is lost under load: kept, said once, probed slowly, no login, then sent") {
    std::atomic<bool> has_role{true};
    std::atomic<int> without{0};
    keystone_scene s;
    s.also = [&](const monasca_request&, monasca_reaction& r) {
        if (!has_role) {
            ++without;
            r.refuse(401, {{"Content-Type", "application/json"}}, role_401);
        }
    };
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    auto pushed = push_for(each, 500ms);
    has_role = false;
    const auto lost_at = steady::now();
    pushed += push_for(each, 4s);

    const auto during = e.stats();
    // Up to four that were under way, then one probe at a time, half a second apart at least.
    CHECK(without >= 1);
    CHECK(without <= 4 + since(lost_at) / 500ms);
    CHECK(during.is_exact());
    CHECK(only(during).pending > 0);
    CHECK(only(during).dead.total() + only(during).dropped.total() == 0);
    CHECK(only(during).state == health::down);
    CHECK(
        only(during).last_error.find("does not have access to this service") != std::string::npos);
    CHECK(s.keystone.logins() == 1);
    CHECK(lines_from(s.log, log_level::warning) == 1); // then once a minute (D-1.4)
    CHECK(s.log.count("fake-token") + s.log.count("s3cret") == 0);
    has_role = true;
    CHECK(e.flush(patience(30s)).is_clean());

    CHECK(s.keystone.logins() == 1);
    CHECK(only(e.stats()).logins == 1);
    CHECK(only(e.stats()).failed_logins == 0);
    CHECK(only(e.stats()).state == health::ok);
    CHECK(s.log.count("monasca: delivering again") == 1);
    check_all_arrived(e.stats(), s, pushed);
}

TEST_CASE("a Monasca that does not reach Keystone itself: the token is kept, the data waits") {
    keystone_scene s;
    s.also = [](const monasca_request& r, monasca_reaction& reaction) {
        if (r.number <= 2) {
            reaction.refuse(
                503,
                {{"Content-Type", "text/plain"}},
                "The Keystone service is temporarily unavailable.");
        }
    };
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(e.flush(patience(20s)).is_clean());

    CHECK(s.monasca.requests().size() == 3);
    CHECK(requests_with(s, "fake-token-1") == 3);
    CHECK(s.keystone.logins() == 1);
    CHECK(only(e.stats()).retries == 2);
    check_all_arrived(e.stats(), s, 1);
}

TEST_CASE("D-6.4 a Keystone that says for how long it wants to be left alone is not asked before") {
    keystone_scene s;
    s.keystone.set_hook([&, asked = 0](const http_request&, http_answer& answer) mutable {
        if (asked++ == 0) {
            answer.response = {503, {{"Retry-After", "soon"}, {"Retry-After", "3"}}, "in trouble"};
        }
    });
    s.monasca.start();
    exporter e(s.options());
    open_each(e).push(1);
    CHECK(e.flush(patience(20s)).is_clean());

    const auto all = logins_of(s);
    REQUIRE(all.size() == 2);
    CHECK(all[1].arrived - all[0].arrived >= 3s);
    CHECK(all[1].arrived - all[0].arrived < 3630ms + late); // a tenth more, and of that a tenth
    CHECK(only(e.stats()).retry_after_bad == 1);
    check_all_arrived(e.stats(), s, 1);
}

TEST_CASE("D-11.1 however much waits for a token, one login is made for it") {
    keystone_scene s;
    s.keystone.set_hook([](const http_request&, http_answer& answer) { answer.wait = 700ms; });
    s.monasca.start();
    auto options = s.options();
    options.batch.max_records = 1;
    exporter e(options);
    const auto pushed = push_for(open_each(e), 500ms);
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(s.keystone.logins() == 1);
    CHECK(only(e.stats()).logins == 1);
    check_all_arrived(e.stats(), s, pushed);
}

TEST_CASE("D-11.1 each destination logs in for itself: one that may not holds up nobody else") {
    keystone_scene s;
    s.keystone.set_hook([](const http_request&, http_answer& answer) {
        answer.response = {401, {{"Content-Type", "application/json"}}, token_401};
    });
    s.monasca.start();
    rest_receiver rest([](const rest_request& r) -> std::optional<rest_receiver::answer> {
        if (r.path != "/auth") {
            return std::nullopt;
        }
        return rest_receiver::token(jwt_of("tenant1"), "r1", 14'400);
    });
    auto options = s.options();
    mona_rest_options mona;
    mona.api_key = secret("the-key");
    mona.secret = secret("the-secret");
    mona.token_url = rest.url("/auth");
    mona.host = rest.host();
    mona.use_tls = false;
    options.mona = mona;
    exporter e(options);
    open_each(e).push(1);
    e.push("fill"_class(1), "a"_key = 1);
    const auto of = [&](std::string_view name) {
        const auto all = e.stats().destinations;
        return *std::find_if(
            all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    };
    CHECK(wait_until([&] { return of("mona_rest").delivered == 1; }, patience(10s)));
    CHECK(wait_until(
        [&] { return of("monasca").state == health::rejected_credentials; }, patience(10s)));

    CHECK(of("mona_rest").logins == 1);
    CHECK(of("mona_rest").failed_logins == 0);
    CHECK(of("mona_rest").state == health::ok);
    CHECK(of("monasca").logins == 0);
    CHECK(of("monasca").failed_logins == 1);
    CHECK(of("monasca").pending == 1);
    e.close(0ms);
    CHECK(e.stats().is_exact());
}

TEST_CASE("D-11.6 a token goes only where the catalogue sent it, also when that changes") {
    keystone_scene s;
    s.monasca.start();
    monasca_receiver other;
    other.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(1);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.set_service(other.url());
    s.keystone.revoke_all();
    std::this_thread::sleep_for(10ms);
    each.push(2);
    CHECK(e.flush(patience(10s)).is_clean());

    const auto here = s.monasca.requests();
    CHECK(here.size() == 2);
    CHECK(requests_with(s, "fake-token-1") == here.size());
    const auto there = other.requests();
    REQUIRE(there.size() == 1);
    CHECK(there[0].http.field("X-Auth-Token") == "fake-token-2");
    CHECK(there[0].http.field("Host") == fmt::format("127.0.0.1:{}", other.port()));
    CHECK(e.stats().is_exact());
    CHECK(only(e.stats()).delivered == 2);
}

TEST_CASE("a Keystone whose clock is wrong: a warning, once; the token lives as long as it says") {
    keystone_scene s;
    s.keystone.set_hook([](const http_request&, http_answer& answer) {
        auto& response = answer.response;
        response.fields.emplace_back("Date", "Sat, 01 Jan 2000 00:00:00 GMT");
        for (const auto* const name : {"issued_at\":\"", "expires_at\":\""}) { // years ago
            const auto at = response.body.find(name);
            if (at != std::string::npos) {
                response.body.replace(at + std::string_view(name).size(), 4, "2000");
            }
        }
    });
    s.keystone.set_life(1h);
    s.monasca.start();
    exporter e(s.options());
    const auto each = open_each(e);
    each.push(1);
    CHECK(e.flush(patience(5s)).is_clean());
    s.keystone.revoke_all();
    std::this_thread::sleep_for(10ms);
    each.push(2);
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(s.keystone.logins() == 2);
    CHECK(s.log.count("its clock and that of this machine are") == 1);
    check_all_arrived(e.stats(), s, 2);
}
}
