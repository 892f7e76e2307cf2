// D-7.6: a record that makes the receiver fail each time must not hold up the others for ever.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

using numbers = std::set<std::uint64_t>;

bool has_any(const received_message& m, const numbers& bad) {
    for (const auto& event : m.events) {
        const auto* n = event.find("n");
        if (n != nullptr && bad.count(std::get<std::uint64_t>(*n)) != 0) {
            return true;
        }
    }
    return false;
}

forward_receiver::message_hook allergic_to(const numbers& bad, reaction::ending how) {
    return [=](const received_message& m, reaction& r) {
        if (has_any(m, bad)) {
            r.stores = false;
            r.answer.clear();
            r.then = how;
        }
    };
}

exporter_options patient_options(const forward_receiver& receiver, bool gzip) {
    auto options = quick_options(receiver, {.gzip = gzip, .merge = merge_mode::off});
    options.retry = {.min_wait = 1ms, .max_wait = 8ms};
    options.batch = {.max_records = 100, .max_delay = 20ms};
    return options;
}

// Whole again and in order, once what came early was sent again in its turn.
void check_good_arrived(const forward_receiver& receiver, const numbers& bad, std::uint64_t count) {
    numbers got;
    for (const auto& [id, values] : applied_by_context(receiver, "n")) {
        CHECK(ascends(values, true));
        got.insert(values.begin(), values.end());
    }
    CHECK(got.size() == count - bad.size());
    for (const auto one : bad) {
        CHECK(got.count(one) == 0);
    }
}

} // namespace

TEST_SUITE("integration/poison") {
TEST_CASE(
    "D-7.6 poisoned records among many payloads end as dead(rejected), all others are delivered") {
    for (const bool gzip : {true, false}) {
        for (const auto& bad : std::vector<numbers>{{42}, {0}, {99}, {150, 151, 320}}) {
            CAPTURE(gzip);
            CAPTURE(*bad.begin());
            forward_receiver receiver;
            receiver.on_message(allergic_to(bad, reaction::ending::reset));
            receiver.start();
            application app;
            exporter e(patient_options(receiver, gzip));
            constexpr std::uint64_t records = 500;
            for (std::uint64_t i = 0; i < records; ++i) {
                app.count(e.push("run"_class(i % 3), "n"_key = i));
            }
            const auto begin = steady::now();
            const auto result = e.flush(patience(10s));
            CHECK(since(begin) < patience(5s));
            CHECK_FALSE(result.error);
            CHECK(result.dead == bad.size());
            CHECK(result.delivered == records - bad.size());
            e.close(patience(1s));
            const auto stats = e.stats();
            CHECK(stats.destinations[0].dead[reason::rejected] == bad.size());
            check_ledger(app, stats, receiver, {.fields_per_record = 1});
            check_good_arrived(receiver, bad, records);
        }
    }
}

TEST_CASE("D-7.6 a poisoned payload that is alone is cut as well: the good in it are delivered") {
    for (const auto& bad : std::vector<numbers>{{0}, {37}, {98}, {99}, {40, 41, 42}}) {
        CAPTURE(*bad.begin());
        forward_receiver receiver;
        receiver.on_message(allergic_to(bad, reaction::ending::reset));
        receiver.start();
        application app;
        exporter e(patient_options(receiver, true));
        constexpr std::uint64_t records = 100;
        for (std::uint64_t i = 0; i < records; ++i) {
            app.count(e.push("run"_class(i % 3), "n"_key = i));
        }
        const auto good = records - bad.size();
        CHECK(
            wait_until([&] { return e.stats().destinations[0].delivered >= good; }, patience(6s)));

        // One bad record that is left alone looks like a receiver that is down, until another
        // passes.
        app.count(e.push("run"_class("one"), "n"_key = records));
        const auto result = e.flush(patience(6s));
        CHECK_FALSE(result.error);
        CHECK(result.dead == bad.size());
        CHECK(result.delivered == good + 1);
        e.close(patience(1s));
        const auto stats = e.stats();
        CHECK(stats.destinations[0].dead[reason::rejected] == bad.size());
        check_ledger(app, stats, receiver, {.fields_per_record = 1});
        check_good_arrived(receiver, bad, records + 1);
    }
}

TEST_CASE("D-7.6 when nothing passes but what comes later, that tells the poisoned from the good") {
    const numbers bad{10, 90};
    forward_receiver receiver;
    receiver.on_message(allergic_to(bad, reaction::ending::reset));
    receiver.start();
    application app;
    exporter e(patient_options(receiver, true));
    for (std::uint64_t i = 0; i < 100; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    CHECK(wait_until([&] { return e.stats().destinations[0].retries >= 20; }, patience(5s)));
    CHECK(e.stats().destinations[0].dead.total() == 0);
    app.count(e.push("run"_class("one"), "n"_key = std::uint64_t{100}));
    const auto result = e.flush(patience(6s));
    CHECK_FALSE(result.error);
    CHECK(result.dead == bad.size());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 1});
    check_good_arrived(receiver, bad, 101);
}

TEST_CASE(
    "a receiver that recovers after any number of resets loses nothing, also single records") {
    for (const std::size_t size : {1u, 4u}) {
        for (int resets = 0; resets <= 15; ++resets) {
            CAPTURE(size);
            CAPTURE(resets);
            forward_receiver receiver;
            int seen = 0;
            receiver.on_message([&](const received_message&, reaction& r) {
                if (seen++ < resets) {
                    r.stores = false;
                    r.answer.clear();
                    r.then = reaction::ending::reset;
                }
            });
            receiver.start();
            application app;
            auto options = patient_options(receiver, false);
            options.batch.max_records = size;
            options.retry = {.min_wait = 1ms, .max_wait = 2ms};
            exporter e(options);
            for (std::uint64_t i = 0; i < 8; ++i) {
                app.count(e.push("run"_class("one"), "n"_key = i));
            }
            CHECK(e.flush(patience(5s)).is_clean());
            e.close(patience(1s));
            CHECK(e.stats().destinations[0].dead.total() == 0);
            check_good_arrived(receiver, {}, 8);
        }
    }
}

TEST_CASE("D-7.3 a receiver that resets everything makes nothing dead, however long it lasts") {
    for (const std::uint64_t records : {1u, 2u, 100u, 450u}) {
        CAPTURE(records);
        forward_receiver receiver;
        bool is_down = true; // the receiver's thread, or while it is stopped
        receiver.on_message([&](const received_message&, reaction& r) {
            if (is_down) {
                r.stores = false;
                r.answer.clear();
                r.then = reaction::ending::reset;
            }
        });
        receiver.start();
        application app;
        exporter e(patient_options(receiver, true));
        for (std::uint64_t i = 0; i < records; ++i) {
            app.count(e.push("run"_class(i % 3), "n"_key = i));
        }
        CHECK(wait_until([&] { return e.stats().destinations[0].retries >= 40; }, patience(8s)));
        const auto stats = e.stats();
        CHECK(stats.destinations[0].dead.total() == 0);
        CHECK(stats.destinations[0].pending == records);
        receiver.stop();
        is_down = false;
        receiver.start();
        CHECK(e.flush(patience(8s)).is_clean());
        e.close(patience(1s));
        check_ledger(app, e.stats(), receiver);
        check_good_arrived(receiver, {}, records);
    }
}
}
