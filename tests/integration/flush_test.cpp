// A flush is a barrier: what it says is what the receiver has.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

TEST_SUITE("integration/flush") {
TEST_CASE(
    "D-9.1 a flush covers what other threads pushed before it, and says what the receiver has") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver);
    options.batch.max_delay = 10s; // only the flush seals
    exporter e(options);
    std::uint64_t before = 0;
    for (int round = 0; round < rounds(100); ++round) {
        std::vector<std::thread> others;
        for (int t = 0; t < 4; ++t) {
            others.emplace_back([&, t] {
                for (std::uint64_t i = 0; i < 10; ++i) {
                    app.count(e.push("run"_class(t), "n"_key = i));
                }
            });
        }
        for (auto& one : others) {
            one.join();
        }
        before += 40;

        const auto result = e.flush(patience(5s));

        REQUIRE(result.is_clean());
        CHECK(result.accepted == before);
        CHECK(result.delivered == before);
        CHECK(receiver.fields() == before);
    }
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE(
    "D-9.1 flushes of many threads while others push each end with what they cover delivered") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    std::atomic<bool> stop = false;
    std::atomic<int> unclean = 0;
    std::atomic<int> short_of = 0;
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        for (std::uint64_t i = 0; !stop; ++i) {
            app.count(e.push("noise"_class("noise"), "n"_key = i));
            std::this_thread::sleep_for(20us);
        }
    });
    std::atomic<std::uint64_t> mine{0};
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < rounds(40); ++i) {
                app.count(e.push("run"_class("one"), "n"_key = 1));
                const auto own = ++mine;
                const auto result = e.flush(patience(5s));
                unclean += result.is_clean() ? 0 : 1;
                short_of += result.delivered < own ? 1 : 0;
            }
        });
    }
    for (std::size_t i = 1; i < threads.size(); ++i) {
        threads[i].join();
    }
    stop = true;
    threads[0].join();
    CHECK(unclean == 0);
    CHECK(short_of == 0);
    CHECK(e.close(patience(5s)).is_clean());
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("a flush that runs out of time says so, with what is pending; a later one is clean") {
    forward_receiver receiver;
    application app;
    exporter e(quick_options(receiver));
    for (std::uint64_t i = 0; i < 70; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    for (const auto timeout : {0ms, 30ms}) {
        const auto begin = steady::now();
        const auto result = e.flush(timeout);
        CHECK(since(begin) < patience(timeout + 100ms));
        CHECK(result.error == errc::timed_out);
        CHECK(result.accepted == 70);
        CHECK(result.pending == 70);
        CHECK(result.delivered == 0);
        CHECK_FALSE(result.is_clean());
    }
    receiver.start();
    const auto result = e.flush(patience(5s));
    CHECK(result.is_clean());
    CHECK(result.delivered == 70);
    CHECK(result.pending == 0);
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("without acknowledgements a flush counts delivered_unacked; a loss is never clean") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver, {.ack = false}));
    CHECK(e.flush(1s).is_clean()); // of nothing
    app.count(e.push("run"_class("one"), "n"_key = 1));
    auto handle = e.open_context("run", "closed");
    handle.close();
    auto result = e.flush(patience(5s));
    CHECK(result.is_clean());
    CHECK(result.delivered_unacked == 1);
    CHECK(result.delivered == 0);

    app.count(handle.push("n"_key = 2));
    result = e.flush(patience(5s));
    CHECK_FALSE(result.is_clean());
    CHECK(result.dropped == 1);
    CHECK(result.accepted == 2);
    e.close(patience(1s));
    CHECK(receiver.wait_for_fields(1, patience(1s)));
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 1});
}

TEST_CASE(
    "D-9.4 flush and close from the log callback return would_deadlock; stats and push work") {
    forward_receiver receiver; // refuses, so that there is something to log
    application app;
    std::atomic<exporter*> self = nullptr;
    std::atomic<int> calls = 0;
    std::atomic<int> wrong = 0;
    auto options = quick_options(receiver);
    options.log = [&](const log_line&) {
        if (auto* const e = self.load()) {
            ++calls;
            wrong += e->flush(10s).error == errc::would_deadlock ? 0 : 1;
            wrong += e->close(10s).error == errc::would_deadlock ? 0 : 1;
            wrong += e->stats().is_exact() ? 0 : 1;
            app.count(e->push("log"_class("line"), "n"_key = 1));
        }
    };
    exporter e(options);
    self = &e;
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(wait_until([&] { return calls > 0; }, patience(5s)));
    receiver.start();
    CHECK(e.flush(patience(5s)).is_clean());
    CHECK(e.close(patience(5s)).is_clean());
    self = nullptr;
    CHECK(wrong == 0);
    check_ledger(app, e.stats(), receiver);
    CHECK(receiver.events_by_context().count("line") == 1);
}
}
