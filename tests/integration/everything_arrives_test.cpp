// Every layout, with and without acknowledgements and merging: what was pushed is what arrives.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

struct layout {
    forward_mode mode;
    bool gzip;
    received_mode arrives_as;
};

constexpr layout layouts[] = {
    {forward_mode::packed, true, received_mode::packed_gzip},
    {forward_mode::packed, false, received_mode::packed},
    {forward_mode::forward, true, received_mode::forward},
    {forward_mode::message, true, received_mode::message}};

template <class T>
bool holds(const received_event& event, std::string_view key, const T& value) {
    const auto* const found = event.find(key);
    return found != nullptr && *found == received_value(value);
}

double number_in(const received_event& event, std::string_view key) {
    const auto* const found = event.find(key);
    return found != nullptr && std::holds_alternative<double>(*found) ? std::get<double>(*found)
                                                                      : -12345.0;
}

} // namespace

TEST_SUITE("integration/everything_arrives") {
TEST_CASE("every layout, acknowledgement and merging bring each field once, and the class first") {
    for (const auto& layout : layouts) {
        for (const bool ack : {true, false}) {
            for (const auto merge :
                 {merge_mode::off, merge_mode::disjoint, merge_mode::overwrite}) {
                CAPTURE(static_cast<int>(layout.mode));
                CAPTURE(layout.gzip);
                CAPTURE(ack);
                CAPTURE(static_cast<int>(merge));
                forward_receiver receiver;
                receiver.start();
                application app;
                auto options = quick_options(
                    receiver,
                    {.user_id = "tenant",
                     .mode = layout.mode,
                     .gzip = layout.gzip,
                     .ack = ack,
                     .merge = merge});
                options.batch.max_delay = 500ms;
                exporter e(options);

                constexpr int contexts = 20;
                for (int i = 0; i < contexts; ++i) {
                    const auto id = "loan-" + std::to_string(i);
                    app.count(e.push("loan"_class(id), "n"_key = 1, "first"_key = "a text"), 2);
                    app.count(e.push("loan"_class(id), "second"_key = 2.5), 1);
                    app.count(e.push("loan"_class(id), "n"_key = 2), 1);
                    app.count(e.push("loan"_class(id), "third"_key = true), 1);
                }
                const auto result = e.close(patience(5s));

                CHECK(result.is_clean());
                const auto stats = e.stats();
                check_ledger(app, stats, receiver);
                CHECK(
                    (ack ? stats.destinations[0].delivered_unacked
                         : stats.destinations[0].delivered) == 0);
                CHECK((stats.merged == 0) == (merge == merge_mode::off));
                CHECK((stats.overwritten_fields == 0) == (merge != merge_mode::overwrite));
                for (const auto& m : receiver.messages()) {
                    CHECK(m.mode == layout.arrives_as);
                    CHECK((ack || m.chunk.empty()));
                }
                CHECK(receiver.repeats() == 0);
                const auto by_context = receiver.events_by_context();
                CHECK(by_context.size() == contexts);
                for (const auto& [id, events] : by_context) {
                    CHECK(events.front().class_name == "loan");
                    std::uint64_t last_n = 0;
                    for (const auto& event : events) {
                        CHECK(event.user_id == "tenant");
                        if (const auto* n = event.find("n")) {
                            CHECK(std::get<std::uint64_t>(*n) > last_n);
                            last_n = std::get<std::uint64_t>(*n);
                        }
                    }
                    CHECK(last_n == 2);
                }
            }
        }
    }
}

TEST_CASE("values of every type arrive exactly, in every layout") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    for (const auto& layout : layouts) {
        CAPTURE(static_cast<int>(layout.mode));
        CAPTURE(layout.gzip);
        forward_receiver receiver;
        receiver.start();
        application app;
        exporter e(quick_options(receiver, {.mode = layout.mode, .gzip = layout.gzip}));

        const std::string_view with_zero("a\0b", 3);
        const std::string bad = "x\xff\xc3(y\xf0\x9f\x98"s;
        const std::string wide = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"s;
        app.count(
            e.push(
                "values"_class("run"),
                "least"_key = std::numeric_limits<std::int64_t>::min(),
                "most"_key = std::numeric_limits<std::uint64_t>::max(),
                "minus"_key = -1,
                "zero"_key = 0,
                "one"_key = 1.0,
                "tenth"_key = 0.1,
                "float"_key = 0.5f,
                "negative_zero"_key = -0.0,
                "nan"_key = nan,
                "inf"_key = infinity,
                "minus_inf"_key = -infinity,
                "empty"_key = "",
                "nul"_key = with_zero,
                "bad"_key = std::string_view(bad),
                "wide"_key = std::string_view(wide),
                "nothing"_key = nullptr,
                "yes"_key = true,
                "no"_key = false),
            18);
        CHECK(e.flush(patience(5s)).is_clean());

        const auto events = receiver.events();
        REQUIRE(events.size() == 2);
        const auto& got = events[1];
        CHECK(holds(got, "least", std::numeric_limits<std::int64_t>::min()));
        CHECK(holds(got, "most", std::numeric_limits<std::uint64_t>::max()));
        CHECK(holds(got, "minus", std::int64_t{-1}));
        CHECK(holds(got, "zero", std::uint64_t{0}));
        CHECK(holds(got, "one", 1.0)); // a float 64, not the integer 1
        CHECK(holds(got, "tenth", 0.1));
        CHECK(holds(got, "float", 0.5));
        CHECK(std::signbit(number_in(got, "negative_zero")));
        CHECK(std::isnan(number_in(got, "nan")));
        CHECK(number_in(got, "inf") == infinity);
        CHECK(number_in(got, "minus_inf") == -infinity);
        CHECK(holds(got, "empty", ""s));
        CHECK(holds(got, "nul", "a\0b"s));
        CHECK(holds(got, "bad", "x\xef\xbf\xbd\xef\xbf\xbd(y\xef\xbf\xbd"s));
        CHECK(holds(got, "wide", wide));
        CHECK(holds(got, "nothing", nullptr));
        CHECK(holds(got, "yes", true));
        CHECK(holds(got, "no", false));
        CHECK(e.stats().utf8_repaired == 1);
        e.close(patience(1s));
        check_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("D-4.3 run-time keys that begin with MONA_ are stripped and counted, the others arrive") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const key secret("MONA_ARC_CLASS");
    const key other("MONA_");
    const key kept("kept");
    const key late("\xffkey");

    record fields;
    fields.add(secret, "forged").add(kept, 1).add(other, 2.0).add(late, true);
    app.count(e.push("loan"_class("1"), fields), 4);
    record nothing_left;
    nothing_left.add(secret, "forged");
    app.count(e.push("loan"_class("2"), nothing_left), 1);
    auto handle = e.open_context("loan", "3");
    app.count(handle.push(fields), 4);
    fields.clear();
    app.count(e.push("loan"_class("4"), fields), 0);
    CHECK(e.close(patience(5s)).is_clean());

    const auto stats = e.stats();
    check_ledger(app, stats, receiver);
    CHECK(stats.stripped_fields == 5);
    CHECK(stats.destinations[0].filtered[reason::empty] == 2);
    const auto contexts = receiver.events_by_context();
    CHECK(contexts.size() == 2); // nothing is told of a run without fields
    for (const auto& [id, events] : contexts) {
        REQUIRE(events.size() == 2);
        CHECK(events[0].class_name == "loan");
        CHECK(holds(events[1], "kept", std::uint64_t{1}));
        CHECK(holds(events[1], "\xef\xbf\xbdkey", true));
        CHECK(events[1].fields.size() == 2);
    }
}

TEST_CASE(
    "a time given with the push goes out in whole seconds, else the moment of the push does") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const auto begin = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());

    const std::chrono::system_clock::time_point then(1'600'000'000s + 999ms);
    app.count(e.push("loan"_class("given").at(then), "x"_key = 1));
    app.count(e.push("loan"_class(42), "x"_key = 1));
    auto handle = e.open_context("loan", "handle");
    app.count(handle.at(then).push("x"_key = 1));
    CHECK(e.close(patience(5s)).is_clean());

    const auto end = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    auto contexts = receiver.events_by_context();
    for (const auto* id : {"given", "handle"}) {
        REQUIRE(contexts[id].size() == 2);
        CHECK(contexts[id][1].export_timestamp == 1'600'000'000);
    }
    REQUIRE(contexts["42"].size() == 2);
    CHECK(contexts["42"][1].export_timestamp >= begin);
    CHECK(contexts["42"][1].export_timestamp <= end);
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-2.4 payloads go out in their order, however many acknowledgements come meanwhile") {
    constexpr std::uint64_t count = 20'000;
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_records = 3; // many payloads
    options.batch.max_delay = 1ms;
    exporter e(options);
    const auto loan = e.open_context("loan", "42");
    for (std::uint64_t i = 0; i < count; ++i) {
        while (!app.count(loan.push("n"_key = i))) {
            std::this_thread::sleep_for(1ms);
        }
        if (i % 50 == 0) {
            std::this_thread::sleep_for(500us);
        }
    }

    CHECK(e.close(patience(30s)).is_clean());
    check_ledger(app, e.stats(), receiver);
    CHECK(ascends(numbers_by_context(receiver, "n").at("42")));
    CHECK(receiver.repeats() == 0);
}
}
