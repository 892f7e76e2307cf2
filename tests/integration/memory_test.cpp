// The receiver is down and far more comes in than memory_limit allows.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t limit = 6 << 20;
constexpr std::size_t credit = 256 * 192; // D-2.5: the slack for each producer thread

exporter_options small_memory(const forward_receiver& receiver, mona_forward_options mona) {
    auto options = quick_options(receiver, std::move(mona));
    options.memory_limit = limit;
    options.queue.capacity = 4096;
    return options;
}

} // namespace

TEST_SUITE("integration/memory") {
TEST_CASE(
    "D-2.5 while the receiver is down memory stays below the limit and the oldest goes, counted") {
    for (const bool ack : {true, false}) {
        CAPTURE(ack);
        forward_receiver receiver;
        application app;
        log_book log;
        auto options =
            small_memory(receiver, {.gzip = false, .ack = ack, .merge = merge_mode::off});
        options.log = log.writer();
        exporter e(options);

        constexpr int threads = 2;
        std::atomic<int> running = threads;
        std::vector<std::thread> producers;
        constexpr int overflows = 6'000; // three times the limit, sanitized or not
        const auto each = static_cast<std::uint64_t>(std::max(rounds(12'000), overflows));
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                const std::string text(1000, static_cast<char>('a' + t));
                for (std::uint64_t i = 0; i < each; ++i) {
                    app.count(
                        e.push("run"_class(t), "n"_key = i, "t"_key = std::string_view(text)), 2);
                    if (i % 100 == 99) {
                        std::this_thread::sleep_for(1ms);
                    }
                }
                --running;
            });
        }
        std::size_t most = 0;
        bool exact = true;
        while (running != 0) {
            const auto stats = e.stats();
            most = std::max<std::size_t>(most, stats.memory_bytes);
            exact = exact && stats.is_exact();
        }
        for (auto& one : producers) {
            one.join();
        }
        // What is still in the queue is sealed first, and pushes out what is older.
        const auto until = std::chrono::steady_clock::now() + patience(5s);
        while (e.stats().destinations[0].queued != 0 && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(1ms);
        }
        CHECK(exact);
        CHECK(most <= limit + threads * credit);
        CHECK(most >= limit / 2);
        CHECK(e.stats().destinations[0].dropped[reason::memory] > 0);
        CHECK(log.count("memory_limit") == 1);

        receiver.start();
        CHECK_FALSE(e.flush(patience(10s)).error);
        // The class messages were dropped with the oldest: what comes now has them in front again.
        for (std::uint64_t t = 0; t < threads; ++t) {
            app.count(e.push("run"_class(t), "n"_key = each, "t"_key = ""), 2);
        }
        CHECK_FALSE(e.flush(patience(5s)).error);
        e.close(patience(1s));
        CHECK(receiver.wait_for_fields(
            2 * (e.stats().destinations[0].delivered + e.stats().destinations[0].delivered_unacked),
            patience(5s)));
        const auto stats = e.stats();
        CHECK(
            stats.destinations[0].dropped.total() == stats.destinations[0].dropped[reason::memory]);
        CHECK(stats.destinations[0].dropped_bytes[reason::memory] > 0);
        check_ledger(app, stats, receiver, {.fields_per_record = 2});
        const auto contexts = receiver.events_by_context();
        for (const auto& [id, events] : contexts) {
            CAPTURE(id);
            CHECK(std::any_of(events.begin(), events.end(), [](const auto& event) {
                return event.class_name == "run";
            }));
        }
        for (const auto& [id, numbers] : numbers_by_context(receiver, "n")) {
            CHECK(ascends(numbers, true));
            CHECK(numbers.back() == each); // the youngest stayed
        }
    }
}

// Every record of a thread is older than each of the next one's, and all are there before the first
// turn of the I/O thread: what it takes of the later threads has to wait for the first.
TEST_CASE("D-2.5 also with threads far ahead of another whose backlog is full") {
    struct load {
        int threads;
        std::size_t text_bytes;
    };
    for (const auto& [threads, text_bytes] : {load{2, 1000}, load{3, 2900}, load{64, 1000}}) {
        CAPTURE(threads);
        CAPTURE(text_bytes);
        forward_receiver receiver; // down
        application app;
        std::atomic<bool> may_begin = false;
        auto options = small_memory(receiver, {.gzip = false, .merge = merge_mode::off});
        options.log = [&](const log_line&) { // the I/O thread says something before its first turn
            while (!may_begin) {
                std::this_thread::sleep_for(1ms);
            }
        };
        exporter e(options);
        const auto each = static_cast<int>(5'000'000 / text_bytes) / threads;
        std::atomic<int> turn = 0;
        std::vector<std::thread> producers;
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                const std::string text(text_bytes, 'x');
                while (turn != t) {
                    std::this_thread::sleep_for(1ms);
                }
                for (int i = 0; i < each; ++i) {
                    app.count(
                        e.push("run"_class(t), "n"_key = i, "t"_key = std::string_view(text)), 2);
                }
                ++turn;
                while (turn != threads) { // else the next thread takes over this one's part
                    std::this_thread::sleep_for(1ms);
                }
            });
        }
        for (auto& one : producers) {
            one.join();
        }
        may_begin = true;
        std::size_t most = 0;
        CHECK(wait_until(
            [&] {
                const auto stats = e.stats();
                most = std::max<std::size_t>(most, stats.memory_bytes);
                return stats.destinations[0].queued == 0;
            },
            patience(10s)));
        CHECK(most <= limit + static_cast<std::size_t>(threads) * credit);
        e.close(0ms);
        check_ledger(app, e.stats(), receiver, {.fields_per_record = 2, .answers_were_lost = true});
    }
}

TEST_CASE("D-2.5 also with a receiver that takes everything and never answers") {
    forward_receiver receiver;
    receiver.on_message([](const received_message&, reaction& r) { r.answer.clear(); });
    receiver.start();
    application app;
    exporter e(small_memory(receiver, {.gzip = false, .merge = merge_mode::off}));
    const std::string text(2000, 'x');
    std::size_t most = 0;
    for (std::uint64_t i = 0; i < 8000; ++i) {
        app.count(e.push("run"_class("one"), "n"_key = i, "t"_key = std::string_view(text)), 2);
        if (i % 100 == 99) {
            most = std::max<std::size_t>(most, e.stats().memory_bytes);
        }
    }
    CHECK(most <= limit + credit);
    e.close(0ms);
    check_ledger(app, e.stats(), receiver, {.fields_per_record = 2, .answers_were_lost = true});
}

TEST_CASE("D-2.5 also with ever new contexts of long ids") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = small_memory(receiver, {.merge = merge_mode::off});
    exporter e(options);
    const std::string text(900, 'i');
    std::size_t most = 0;
    const auto count = static_cast<std::uint64_t>(rounds(15'000));
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto id = text + std::to_string(i);
        while (!app.count(e.push("run"_class(id), "n"_key = i))) {
            std::this_thread::sleep_for(1ms);
        }
        if (i % 100 == 99) {
            most = std::max<std::size_t>(most, e.stats().memory_bytes);
        }
    }
    CHECK(most <= limit + credit);
    CHECK_FALSE(e.flush(patience(10s)).error);
    e.close(patience(1s));
    const auto stats = e.stats();
    check_ledger(app, stats, receiver, {.fields_per_record = 1, .answers_were_lost = true});
}

TEST_CASE("F40 a burst beyond the queue is rejected(queue_full), exactly, and the rest arrives") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = small_memory(receiver, {.merge = merge_mode::off});
    options.queue.capacity = 256;
    options.memory_limit = 4 << 20;
    exporter e(options);
    const std::string text(2500, 'x');
    bool was_full = false;
    for (int burst = 0; burst < 50 && !was_full; ++burst) {
        for (std::uint64_t i = 0; i < 3000; ++i) {
            app.count(e.push("run"_class("one"), "t"_key = std::string_view(text)));
        }
        was_full = e.stats().rejected[reason::queue_full] > 0;
    }
    CHECK(was_full);
    CHECK_FALSE(e.flush(patience(20s)).error);
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.rejected[reason::queue_full] == app.refused());
    check_ledger(app, stats, receiver, {.fields_per_record = 1});
}
}
