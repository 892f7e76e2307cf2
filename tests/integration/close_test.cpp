// Closing is bounded, whatever the peer does, and whoever calls.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr auto slack = 250ms; // D-9.3

} // namespace

TEST_SUITE("integration/close") {
TEST_CASE("F04 a receiver that never answers: tried again, never delivered, closed in time") {
    forward_receiver receiver;
    receiver.on_message([](const received_message&, reaction& r) { r.answer.clear(); });
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    for (std::uint64_t i = 0; i < 10; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }

    const auto begin = steady::now();
    CHECK(wait_until([&] { return e.stats().destinations[0].attempts >= 2; }, patience(5s)));
    CHECK(since(begin) >= 950ms); // response_timeout
    const auto waiting = e.stats();
    CHECK(waiting.destinations[0].delivered == 0);
    CHECK(waiting.destinations[0].pending == 10);
    CHECK(waiting.destinations[0].retries >= 1);

    const auto closing = steady::now();
    const auto result = e.close(300ms);
    CHECK(since(closing) <= patience(300ms + slack));
    CHECK(result.error == errc::timed_out);
    CHECK(result.dropped == 10);
    CHECK(result.delivered == 0);
    const auto stats = e.stats();
    CHECK(stats.destinations[0].dropped[reason::shutdown] == 10);
    check_ledger(app, stats, receiver, {.fields_per_record = 1, .answers_were_lost = true});
    CHECK(receiver.fields() == 10);
}

TEST_CASE("D-9.3 close is in time with every kind of peer") {
    struct peer {
        std::string name;
        bool listens;
        manners how;
    };
    std::vector<peer> peers{
        {"refuses", false, {}},
        {"never reads", true, {.reads = false}},
        {"resets", true, {.reset_at_once = true}},
        {"resets in the middle", true, {.reset_after = 1000}},
        {"trickles", true, {.read_bytes = 100, .read_pause = 20ms}}};
    for (auto& one : peers) {
        one.how.receive_buffer = 4096;
        for (const auto timeout : {0ms, 1ms, 200ms}) {
            CAPTURE(one.name);
            CAPTURE(timeout.count());
            forward_receiver receiver;
            receiver.on_connection([&](std::size_t) { return one.how; });
            receiver.on_message([](const received_message&, reaction& r) { r.answer.clear(); });
            if (one.listens) {
                receiver.start();
            }
            application app;
            auto options = quick_options(receiver, {.gzip = false});
            exporter e(options);
            const std::string text(2000, 'x');
            for (std::uint64_t i = 0; i < 300; ++i) {
                app.count(e.push("run"_class(i), "n"_key = i, "t"_key = std::string_view(text)), 2);
            }
            std::this_thread::sleep_for(20ms);
            const auto begin = steady::now();
            const auto result = e.close(timeout);
            CHECK(since(begin) <= patience(timeout + slack));
            CHECK(result.dropped == 300);
            CHECK(result.pending == 0);
            CHECK_FALSE(result.is_clean());
            const auto stats = e.stats();
            CHECK(stats.destinations[0].dropped[reason::shutdown] == 300);
            check_ledger(app, stats, receiver, {.fields_per_record = 2, .answers_were_lost = true});
            CHECK_FALSE(e.push("run"_class("late"), "n"_key = 1));
            CHECK(e.stats().rejected[reason::closed] == 1);
        }
    }
}

TEST_CASE("D-9.2 close delivers what a receiver that comes back within the time takes") {
    forward_receiver receiver;
    application app;
    auto options = quick_options(receiver);
    options.retry = {.min_wait = 5ms, .max_wait = 50ms};
    exporter e(options);
    for (std::uint64_t i = 0; i < 100; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i));
    }
    std::thread revive([&] {
        std::this_thread::sleep_for(150ms);
        receiver.start();
    });
    const auto result = e.close(patience(5s));
    revive.join();
    CHECK(result.is_clean());
    CHECK(result.delivered == 100);
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-9.2 close cuts a long wait short and tries at once") {
    forward_receiver receiver;
    application app;
    auto options = quick_options(receiver);
    options.retry = {.min_wait = 60s, .max_wait = 60s};
    exporter e(options);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(wait_until([&] { return e.stats().destinations[0].retries == 1; }, patience(5s)));
    receiver.start();
    const auto begin = steady::now();
    CHECK(e.close(patience(5s)).is_clean());
    CHECK(since(begin) < patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-6.7 retry_now cuts a running wait short") {
    forward_receiver receiver;
    application app;
    auto options = quick_options(receiver);
    options.retry = {.min_wait = 60s, .max_wait = 60s};
    exporter e(options);
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(wait_until([&] { return e.stats().destinations[0].retries == 1; }, patience(5s)));
    receiver.start();
    e.retry_now();
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("F35 close from eight threads, then twice more: all see the same result") {
    for (int round = 0; round < rounds(20); ++round) {
        forward_receiver receiver;
        receiver.start();
        application app;
        exporter e(quick_options(receiver));
        for (std::uint64_t i = 0; i < 50; ++i) {
            app.count(e.push("run"_class("one"), "n"_key = i));
        }
        std::vector<flush_result> results(8);
        std::vector<std::thread> closers;
        for (auto& result : results) {
            closers.emplace_back([&] { result = e.close(patience(5s)); });
        }
        for (auto& one : closers) {
            one.join();
        }
        results.push_back(e.close(0ms));
        for (const auto& result : results) {
            CHECK(result.is_clean());
            CHECK(result.accepted == 50);
            CHECK(result.delivered == 50);
        }
        CHECK(e.flush(1s).is_clean());
        check_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("F36 threads that push while it closes: every push is counted once") {
    for (int round = 0; round < rounds(40); ++round) {
        forward_receiver receiver;
        receiver.start();
        application app;
        auto options = quick_options(receiver, {.merge = merge_mode::overwrite});
        options.queue.capacity = 256;
        exporter e(options);
        std::atomic<bool> stop = false;
        std::vector<std::thread> producers;
        for (int t = 0; t < 3; ++t) {
            producers.emplace_back([&, t] {
                auto handle = e.open_context("run", std::to_string(t));
                for (std::uint64_t i = 0; !stop; ++i) {
                    app.count(
                        i % 2 != 0 ? handle.push("n"_key = i)
                                   : e.push("run"_class(t), "n"_key = i));
                }
            });
        }
        std::this_thread::sleep_for(1ms);
        std::thread closer([&] { e.close(patience(5s)); });
        std::this_thread::sleep_for(3ms);
        stop = true;
        closer.join();
        for (auto& one : producers) {
            one.join();
        }
        check_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("the destructor closes within close_timeout") {
    forward_receiver receiver;
    auto options = quick_options(receiver);
    options.close_timeout = 200ms;
    const auto begin = steady::now();
    {
        exporter e(options);
        CHECK(e.push("run"_class("one"), "n"_key = 1));
    }
    CHECK(since(begin) >= 190ms);
    CHECK(since(begin) <= patience(200ms + slack));

    receiver.start();
    options.close_timeout = patience(5s);
    {
        exporter e(options);
        CHECK(e.push("run"_class("one"), "n"_key = 1));
    }
    CHECK(receiver.fields() == 1);
}

TEST_CASE("a time-out beyond every clock is for ever, a negative one is none") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    app.count(e.push("run"_class("one"), "n"_key = 1));
    CHECK(e.flush(std::chrono::milliseconds::max()).is_clean());
    app.count(e.push("run"_class("one"), "n"_key = 2));
    const auto impatient = e.flush(std::chrono::milliseconds::min());
    CHECK((impatient.is_clean() || impatient.error == errc::timed_out));
    CHECK(e.close(std::chrono::milliseconds::max()).is_clean());
    check_ledger(app, e.stats(), receiver);
}
}
