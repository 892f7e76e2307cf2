// The Monasca destination against a receiver that judges as a real one does: what is sent, what an
// answer means, what is dropped before (delivery.md sections 4 to 7; monasca-api.md).

#include "support/monasca_receiver.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

exporter_options options_for(const monasca_receiver& receiver) {
    exporter_options options;
    options.monasca = monasca_options{
        .url = receiver.url(),
        .token = secret("a-token"),
        .interval = 1s,
        .dimensions = std::map<std::string, std::string>{}};
    options.queue.capacity = 4096;
    options.batch.max_delay = 5ms;
    options.response_timeout = 1s;
    options.log = [](const log_line&) {};
    return options;
}

const destination_stats& only(const exporter_stats& stats) {
    REQUIRE(stats.destinations.size() == 1);
    return stats.destinations[0];
}

} // namespace

TEST_SUITE("integration/monasca") {
TEST_CASE("kinds: a gauge sends its last value, a counter the sum, a timer its statistics") {
    monasca_receiver receiver;
    receiver.start();
    exporter e(options_for(receiver));
    const auto gauge = e.open_series("gauge", {{"pair", "EURUSD"}});
    const auto counter = e.open_series("counter", {}, {.kind = series_kind::counter});
    const auto timer = e.open_series(
        "timer",
        {},
        {.kind = series_kind::timer, .percentiles = {50, 99.9}, .unit = time_unit::microseconds});

    for (int i = 1; i <= 100; ++i) {
        CHECK(gauge.push(i));
        CHECK(counter.push(i));
        CHECK(timer.push(std::chrono::microseconds(i)));
    }
    CHECK(e.flush(patience(5s)).is_clean());

    const auto summary = receiver.summary();
    const auto value = [&](std::string_view name) {
        const auto* const found = summary.find(name);
        REQUIRE(found != nullptr);
        CHECK(found->count == 1);
        return found->sum;
    };
    CHECK(value("gauge") == 100);
    CHECK(value("counter") == 5050);
    CHECK(value("timer.count") == 100);
    CHECK(value("timer.sum") == 5050);
    CHECK(value("timer.min") == 1);
    CHECK(value("timer.max") == 100);
    CHECK(std::abs(value("timer.p50") - 50) <= 50.0 / 256);
    CHECK(std::abs(value("timer.p99_9") - 100) <= 100.0 / 256);
    CHECK(summary.violations == 0);
    CHECK(receiver.measurements()[0].what.dimensions.size() == 1);
    CHECK(only(e.stats()).delivered == 300);
}

TEST_CASE("a million pushes to one timer arrive as one measurement per statistic and interval") {
    monasca_receiver receiver;
    receiver.start();
    auto options = options_for(receiver);
    options.monasca->interval = 1h;
    options.queue.capacity = 65'536;
    exporter e(options);
    const auto timer =
        e.open_series("timer", {}, {.kind = series_kind::timer, .percentiles = {50, 90, 99}});
    const int pushes = rounds(1'000'000);
    std::uint64_t accepted = 0;

    for (int i = 0; i < pushes; ++i) {
        while (!timer.push(i % 1000 + 1)) {
            std::this_thread::sleep_for(1ms);
        }
        ++accepted;
    }
    CHECK(e.flush(patience(10s)).is_clean());

    const auto summary = receiver.summary();
    CHECK(summary.accepted == 7);
    CHECK(summary.find("timer.count")->sum == static_cast<double>(accepted));
    CHECK(std::abs(summary.find("timer.p90")->sum - 900) <= 900.0 / 256 + 1);
    CHECK(only(e.stats()).delivered == accepted);
}

TEST_CASE("a scoped timer pushes what the scope took, once, or nothing") {
    monasca_receiver receiver;
    receiver.start();
    exporter e(options_for(receiver));
    const auto timer = e.open_series("timer", {}, {.kind = series_kind::timer});
    {
        auto scope = timer.time();
        std::this_thread::sleep_for(5ms);
    }
    {
        auto scope = timer.time();
        scope.cancel();
        CHECK(!scope.stop());
    }
    {
        auto scope = timer.time();
        CHECK(scope.stop());
    }
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(receiver.summary().find("timer.count")->sum == 2);
    CHECK(receiver.summary().find("timer.max")->sum >= 5);
}

TEST_CASE("D-4.10 every sends each value with its own time, of one millisecond the last") {
    monasca_receiver receiver;
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());

    CHECK(each.at(now).push(1));
    CHECK(each.at(now).push(2, "note"_key = "a \"text\"", "n"_key = 7, "ok"_key = true));
    CHECK(each.at(now - 1h).push(3));
    CHECK(e.flush(patience(5s)).is_clean());

    const auto got = receiver.measurements();
    REQUIRE(got.size() == 2);
    CHECK(got[0].what.value == 2);
    CHECK(got[0].what.timestamp == now.time_since_epoch().count());
    CHECK(got[0].what.value_meta.find("a \\\"text\\\"") != std::string::npos);
    CHECK(got[1].what.value == 3);
    const auto stats = e.stats();
    CHECK(stats.same_millisecond == 1);
    CHECK(only(stats).delivered == 3);
}

TEST_CASE("D-4.2 what Monasca would refuse is dropped alone, counted") {
    monasca_receiver receiver;
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    const auto now = std::chrono::system_clock::now();

    CHECK(each.push(std::numeric_limits<double>::quiet_NaN()));
    CHECK(each.push(std::numeric_limits<double>::infinity()));
    CHECK(each.at(now - 24h * 14).push(1));
    CHECK(each.at(now + 2min).push(1));
    CHECK(each.push(1, "meta"_key = std::string(2100, 'x')));
    CHECK(each.push(42));
    const auto result = e.flush(patience(5s));

    CHECK(result.dropped == 5);
    CHECK(result.delivered == 1);
    CHECK(only(e.stats()).dropped[reason::invalid_record] == 5);
    CHECK(receiver.summary().find("each")->sum == 42);
}

TEST_CASE("a series that Monasca would refuse cannot be opened, and the error says why") {
    monasca_receiver receiver;
    exporter e(options_for(receiver));
    const auto why = [&](std::string_view name, dimensions dims, series_options o = {}) {
        try {
            e.open_series(name, std::move(dims), std::move(o));
        } catch (const std::system_error& error) {
            CHECK(error.code() == errc::bad_series);
            return std::string(error.what());
        }
        return std::string("nothing");
    };
    CHECK(why("a b", {}).find("' '") != std::string::npos);
    CHECK(why("", {}).find("0 characters") != std::string::npos);
    CHECK(why("a", {{"time", "x"}}).find("time") != std::string::npos);
    CHECK(why("a", {{"k", "a|b"}}).find("'|'") != std::string::npos);
    CHECK(why("a", {{"k", "a\nb"}}).find("U+000A") != std::string::npos);
    CHECK(
        why("a", {}, {.kind = series_kind::timer, .percentiles = {100}}).find("100") !=
        std::string::npos);
    CHECK(why("a", {}, {.percentiles = {50}}).find("timer") != std::string::npos);
    const auto open = e.open_series("a", {{"k", "v"}});
    CHECK(why("a", {{"k", "v"}}) == "nothing");
    CHECK(
        why("a", {{"k", "v"}}, {.kind = series_kind::counter}).find("another kind") !=
        std::string::npos);
}

TEST_CASE("without Monasca a push to a series is rejected(no_destination)") {
    forward_receiver mona;
    exporter e(quick_options(mona));
    const auto gauge = e.open_series("gauge", {});
    CHECK(!gauge.push(1));
    CHECK(e.stats().rejected[reason::no_destination] == 1);
    e.close(0ms);
}

TEST_CASE("without Mona, contexts that nothing is derived from go nowhere, counted") {
    monasca_receiver receiver;
    receiver.start();
    auto options = options_for(receiver);
    options.derive = {{.from = {.class_name = "fill", .fields = {"price"}}, .to = {.prefix = "o"}}};
    exporter e(options);
    CHECK(!e.open_context("loan", "1").push("price"_key = 1));
    CHECK(e.open_context("fill", "1").push("price"_key = 1));
    CHECK(e.push("loan"_class("1"), "price"_key = 1)); // only the I/O thread can tell
    CHECK(e.push("fill"_class("1"), "size"_key = 1));
    CHECK(e.flush(patience(5s)).is_clean());

    const auto stats = e.stats();
    CHECK(stats.rejected[reason::no_destination] == 1);
    CHECK(only(stats).filtered[reason::empty] == 2);
    CHECK(only(stats).delivered == 1);
    CHECK(stats.is_exact());
}

TEST_CASE("an answer that is lost is asked for again; the store holds each value once") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.number == 1) {
            reaction.lose_answer();
        }
    });
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(7);
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(receiver.summary().find("each")->repeats == 1);
    CHECK(receiver.requests().size() == 2);
    CHECK(receiver.requests()[0].http.body == receiver.requests()[1].http.body); // D-2.2
}

TEST_CASE(
    "F07 a connection that was closed while idle is replaced at once, not counted as failure") {
    monasca_settings settings;
    settings.keep_alive = 200ms;
    monasca_receiver receiver(settings);
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    for (int i = 0; i < 5; ++i) {
        each.push(i);
        CHECK(e.flush(patience(5s)).is_clean());
        std::this_thread::sleep_for(250ms);
    }
    CHECK(only(e.stats()).retries == 0);
    CHECK(only(e.stats()).delivered == 5);
}

TEST_CASE("F13 413: halved until it is taken; what cannot be cut is dead(too_large)") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.http.body.size() > 400) {
            reaction.refuse(413);
        }
    });
    receiver.start();
    auto options = options_for(receiver);
    options.batch.max_delay = 200ms;
    exporter e(options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    const auto now = std::chrono::system_clock::now();
    for (int i = 0; i < 64; ++i) {
        each.at(now - std::chrono::milliseconds(i)).push(i);
    }
    each.at(now - 1s).push(1, "meta"_key = std::string(1000, 'x'));
    const auto result = e.flush(patience(10s));

    CHECK(result.delivered == 64);
    CHECK(result.dead == 1);
    CHECK(only(e.stats()).dead[reason::too_large] == 1);
    CHECK(receiver.summary().find("each")->sum == 64 * 63 / 2);
}

TEST_CASE(
    "F15 500 for one payload only: others flow, the eighth halves it, and the bad one is dead") {
    std::vector<std::string> failed; // the receiver's thread, until it is stopped
    std::size_t taken_before_eighth = 0;
    monasca_receiver receiver;
    receiver.on_request([&](const monasca_request& r, monasca_reaction& reaction) {
        if (r.http.body.find("\"bad\"") != std::string::npos) {
            failed.push_back(r.http.body);
            reaction.refuse(500, {}, "<html>Internal Server Error</html>");
        } else {
            taken_before_eighth += !failed.empty() && failed.size() < 8 ? 1 : 0;
        }
    });
    receiver.start();
    log_book log;
    auto options = options_for(receiver);
    options.monasca->compression = compression_mode::none;
    options.batch.max_delay = 200ms;
    options.log = log.writer();
    exporter e(options);
    application app;
    const series_options every{.kind = series_kind::every};
    const auto beside = e.open_series("beside", {}, every);
    const auto bad = e.open_series("bad", {}, every);
    const auto other = e.open_series("other", {}, every);
    const auto now = std::chrono::system_clock::now();
    for (int i = 0; i < 3; ++i) { // one payload
        app.count(beside.at(now - std::chrono::milliseconds(i)).push(1));
    }
    app.count(bad.push(1));

    const auto begin = steady::now();
    while (only(e.stats()).dead.total() == 0 && since(begin) < patience(100s)) {
        app.count(other.push(1));
        std::this_thread::sleep_for(50ms);
    }
    const auto result = e.close(patience(10s));
    receiver.stop();
    const auto stats = e.stats();

    CHECK(result.dead == 1);
    CHECK(result.dropped == 0);
    CHECK(stats.is_exact());
    CHECK(only(stats).dead[reason::rejected] == 1);
    CHECK(only(stats).delivered == stats.accepted - 1);
    CHECK(only(stats).pending == 0);
    CHECK(stats.accepted == app.accepted());
    const auto summary = receiver.summary();
    CHECK(summary.find("beside")->sum == 3);
    CHECK(summary.find("bad") == nullptr);
    REQUIRE(failed.size() > 8);
    for (std::size_t i = 1; i < 8; ++i) {
        CHECK(failed[i] == failed[0]); // whole, byte for byte (D-2.2)
    }
    CHECK(failed[8].size() < failed[0].size());
    CHECK(taken_before_eighth > 0);
    CHECK(log.count("halved to find the fault") >= 1);
    MESSAGE(failed.size() << " requests with the bad one, " << since(begin).count() << " ms");
}

TEST_CASE("D-9.2 close waits for a running Retry-After, then delivers") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.number == 1) {
            reaction.refuse(503, {{"Retry-After", "2"}});
        }
    });
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(7);
    CHECK(wait_until([&] { return only(e.stats()).retries == 1; }, patience(5s)));
    CHECK(e.close(patience(20s)).is_clean());

    const auto all = receiver.requests();
    REQUIRE(all.size() == 2);
    CHECK(all[1].arrived - all[0].arrived >= 2s);
    CHECK(e.stats().is_exact());
}

TEST_CASE("D-9.2 a Retry-After that outlasts close_timeout is kept: dropped(shutdown)") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request&, monasca_reaction& reaction) {
        reaction.refuse(429, {{"Retry-After", "60"}});
    });
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(7);
    CHECK(wait_until([&] { return only(e.stats()).retries == 1; }, patience(5s)));

    CHECK(e.close(500ms).dropped == 1);
    CHECK(receiver.requests().size() == 1);
    CHECK(only(e.stats()).dropped[reason::shutdown] == 1);
    CHECK(e.stats().is_exact());
}

TEST_CASE("422: the payload is dead, the next one flows") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request& r, monasca_reaction& reaction) {
        if (r.number == 1) {
            reaction.refuse(422, {}, R"({"title":"Unprocessable Entity","description":"no"})");
        }
    });
    receiver.start();
    log_book log;
    auto options = options_for(receiver);
    options.log = log.writer();
    exporter e(options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);
    CHECK(e.flush(patience(5s)).dead == 1);
    each.push(2);
    CHECK(e.flush(patience(5s)).delivered == 1);
    CHECK(log.count("422") == 1);
    CHECK(only(e.stats()).last_error.find("Unprocessable") != std::string::npos);
}

TEST_CASE("a refused token keeps the data, and it appears in no log line") {
    monasca_settings settings;
    settings.monasca.token = "the right one";
    monasca_receiver receiver(settings);
    receiver.start();
    log_book log;
    auto options = options_for(receiver);
    options.monasca->token = secret("wrong-token");
    options.log = log.writer();
    exporter e(options);
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);
    const auto result = e.flush(300ms);

    CHECK(result.pending == 1);
    CHECK(log.count("401") == 1);
    CHECK(log.count("wrong-token") == 0);
    CHECK(e.close(100ms).dropped == 1);
    CHECK(e.stats().is_exact());
}

TEST_CASE("F04 a Monasca that never answers: never delivered, and close is bounded") {
    monasca_receiver receiver;
    receiver.on_request([](const monasca_request&, monasca_reaction& r) { r.stall(); });
    receiver.start();
    exporter e(options_for(receiver));
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    each.push(1);
    CHECK(receiver.wait_for_requests(1, patience(5s)));
    const auto begin = steady::now();
    const auto result = e.close(300ms);

    CHECK(since(begin) <= patience(550ms));
    CHECK(result.dropped == 1);
    CHECK(result.delivered == 0);
    CHECK(e.stats().is_exact());
}

TEST_CASE("memory is bounded while Monasca is away, and every drop is counted") {
    monasca_receiver receiver; // refuses
    auto options = options_for(receiver);
    options.memory_limit = 4u << 20;
    exporter e(options);
    const auto each =
        e.open_series("each", {{"d", std::string(200, 'd')}}, {.kind = series_kind::every});
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    std::uint64_t accepted = 0;
    for (int i = 0; i < rounds(60'000); ++i) {
        while (!each.at(now - std::chrono::milliseconds(i)).push(i)) {
            std::this_thread::sleep_for(1ms);
        }
        ++accepted;
    }
    CHECK(wait_until([&] { return only(e.stats()).queued == 0; }, patience(5s)));
    const auto stats = e.stats();
    CHECK(stats.memory_bytes <= options.memory_limit);
    CHECK(stats.is_exact());
    const auto result = e.close(100ms);
    CHECK(result.dropped == accepted);
}

TEST_CASE("D-2.5 more series than memory_limit has room for go early, and nothing is lost") {
    monasca_receiver receiver;
    receiver.start();
    auto options = options_for(receiver);
    options.memory_limit = 4u << 20;
    options.monasca->interval = 1h; // nothing goes because its time has come
    exporter e(options);
    std::vector<series> timers;
    for (int i = 0; i < rounds(20'000); ++i) {
        timers.push_back(e.open_series(
            "timer",
            {{"i", std::to_string(i)}},
            {.kind = series_kind::timer, .percentiles = {50}}));
    }
    std::size_t most = 0;
    std::uint64_t pushed = 0;
    for (int round = 0; round < 2; ++round) {
        for (const auto& timer : timers) {
            while (!timer.push(1ms)) {
                std::this_thread::sleep_for(1ms);
            }
            if (++pushed % 500 == 0) { // not faster than the receiver takes it
                CHECK(wait_until(
                    [&] {
                        const auto stats = e.stats();
                        most = std::max<std::size_t>(most, stats.memory_bytes);
                        return only(stats).queued + only(stats).ready + only(stats).in_flight == 0;
                    },
                    patience(5s)));
            }
        }
    }
    CHECK(e.flush(patience(20s)).is_clean());
    CHECK(most <= options.memory_limit + 256 * 192);
    CHECK(e.stats().is_exact());
    const auto summary = receiver.summary();
    const auto* const counts = summary.find("timer.count");
    REQUIRE(counts != nullptr);
    CHECK(counts->sum == static_cast<double>(pushed));
    CHECK(counts->count > timers.size()); // some series went more than once
}
}
