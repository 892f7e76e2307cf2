#include "support/io_brake.hpp"
#include "support/ledger.hpp"
#include "support/plain_receiver.hpp"
#include "support/sanitizer.hpp"

#include <monarc/error.hpp>
#include <monarc/exporter.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

using steady = std::chrono::steady_clock;

bool are_equal(const monarc::flush_result& a, const monarc::flush_result& b) {
    return a.accepted == b.accepted && a.delivered == b.delivered &&
           a.delivered_unacked == b.delivered_unacked && a.dead == b.dead &&
           a.dropped == b.dropped && a.filtered == b.filtered && a.pending == b.pending &&
           a.error == b.error;
}

monarc::exporter_options options_for(std::uint16_t port) {
    return {.mona = monarc::mona_forward_options{.port = port}, .batch = {.max_delay = 5ms}};
}

} // namespace

TEST_SUITE("faults/close") {
TEST_CASE("F35 close from 8 threads gives all of them the same result") {
    support::plain_receiver receiver;
    monarc::exporter exporter(options_for(receiver.port()));
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    for (int i = 0; i < 10'000; ++i) {
        pushes(loan.push("n"_key = i));
    }
    std::array<monarc::flush_result, 8> results;
    std::vector<std::thread> closers;
    for (auto& result : results) {
        closers.emplace_back([&] {
            result = exporter.close(10s);
            CHECK(exporter.stats().is_exact());
        });
    }
    for (auto& one : closers) {
        one.join();
    }

    for (const auto& result : results) {
        CHECK(are_equal(result, results[0]));
    }
    CHECK(results[0].is_clean());
    CHECK(results[0].accepted == pushes.accepted());
    support::check_ledger(exporter.stats(), pushes, receiver.seen().fields);
}

TEST_CASE("F35 close and flush from the log callback would deadlock and say so") {
    std::atomic<monarc::exporter*> known{nullptr};
    std::atomic<int> refused{0};
    auto options = options_for(support::deaf_port());
    options.log = [&](const monarc::log_line&) {
        if (auto* const exporter = known.load()) {
            refused += exporter->close(1s).error == monarc::errc::would_deadlock ? 1 : 0;
            refused += exporter->flush(1s).error == monarc::errc::would_deadlock ? 1 : 0;
        }
    };
    monarc::exporter exporter(options);
    support::push_counts pushes;
    known = &exporter;
    pushes(exporter.open_context("loan", "42").push("n"_key = 1));
    for (int i = 0; i < 2000 && refused < 2; ++i) {
        std::this_thread::sleep_for(5ms);
    }

    CHECK(refused >= 2);
    CHECK(pushes(exporter.open_context("loan", "42").push("n"_key = 2)));
    const auto result = exporter.close(0s);
    CHECK(result.dropped == 2);
    support::check_ledger(exporter.stats(), pushes, 0);
}

TEST_CASE("F35 close twice, and a destructor after close, change nothing") {
    support::plain_receiver receiver;
    support::push_counts pushes;
    monarc::exporter_stats stats;
    {
        monarc::exporter exporter(options_for(receiver.port()));
        pushes(exporter.push("loan"_class("42"), "n"_key = 1));
        const auto first = exporter.close(10s);
        pushes(exporter.push("loan"_class("42"), "n"_key = 2));
        const auto second = exporter.close(10s);

        CHECK(first.is_clean());
        CHECK(are_equal(first, second));
        CHECK(pushes.accepted() == 1);
        stats = exporter.stats();
        CHECK(stats.rejected[monarc::reason::closed] == 1);
    }
    support::check_ledger(stats, pushes, receiver.seen().fields);
}

TEST_CASE("F35 a destructor is bounded by close_timeout though the peer never answers") {
    support::plain_receiver receiver(support::plain_receiver::manner::is_silent);
    auto options = options_for(receiver.port());
    options.close_timeout = 500ms;
    auto exporter = std::make_unique<monarc::exporter>(options);
    const auto loan = exporter->open_context("loan", "42");
    CHECK(loan.push("n"_key = 1));
    const auto begin = steady::now();
    exporter.reset();

    CHECK(steady::now() - begin <= support::close_bound(500ms));
    CHECK_FALSE(loan.push("n"_key = 2)); // a handle may outlive the exporter
}

TEST_CASE("close while a thread reserves its share returns") {
    support::plain_receiver receiver;
    constexpr int rounds = support::scaled(200, 50, 50);
    for (int round = 0; round < rounds; ++round) {
        monarc::exporter exporter(options_for(receiver.port()));
        std::atomic<bool> begins{false};
        std::thread warming([&] {
            begins = true;
            exporter.warm_up();
        });
        while (!begins) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(37 * (round % 50)));
        exporter.close(5s);
        warming.join();
        const auto stats = exporter.stats();

        CHECK(stats.is_exact());
        CHECK(stats.pushed == 0);
    }
}

TEST_CASE("D-9.2 close that has no time for a full queue counts all of it, in time") {
    constexpr int threads = support::scaled(64, 64, 16);
    support::io_brake brake;
    auto options = options_for(support::deaf_port());
    options.memory_limit = 512u << 20;
    options.log = brake.log();
    monarc::exporter exporter(options);
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });
    for (int t = 0; t < threads; ++t) { // each ends and leaves a full share behind
        std::thread([&] {
            while (pushes(loan.push("n"_key = 1))) {
            }
        }).join();
    }
    CHECK(pushes.accepted() == 1 + threads * std::uint64_t{16'384});

    const auto begin = steady::now();
    brake.release(); // it has no time for more than a turn
    const auto result = exporter.close(0s);

    CHECK(steady::now() - begin <= support::close_bound(0s));
    CHECK(result.accepted == pushes.accepted());
    CHECK(result.dropped == pushes.accepted());
    CHECK(result.error == monarc::errc::timed_out);
    const auto stats = exporter.stats();
    CHECK(stats.destinations.at(0).dropped[monarc::reason::shutdown] == pushes.accepted());
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("D-9.1 a flush whose time is over before its turn comes counts what is queued") {
    constexpr int share = 16'384;
    support::io_brake brake;
    auto options = options_for(support::deaf_port());
    options.log = brake.log();
    monarc::exporter exporter(options);
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });
    for (int t = 0; t < 4; ++t) {
        std::thread([&] {
            for (int i = 0; i < share; ++i) {
                pushes(loan.push("n"_key = i));
            }
        }).join();
    }
    monarc::flush_result result;
    std::thread flushing([&] { result = exporter.flush(0s); });
    std::this_thread::sleep_for(20ms);
    brake.release();
    flushing.join();
    CHECK(result.error == monarc::errc::timed_out);
    CHECK(result.accepted == pushes.accepted());
    CHECK(result.pending + result.dropped == pushes.accepted());
    CHECK(result.delivered == 0);
    exporter.close(0s);
    support::check_ledger(exporter.stats(), pushes, 0);
}

TEST_CASE("F36 producers push during close: no hang, and every push is counted") {
    constexpr int rounds = support::scaled(1000, 200, 200);
    constexpr int threads = 8;
    support::plain_receiver receiver;
    std::uint64_t accepted = 0;
    std::uint64_t queue_full = 0;
    std::uint64_t closed = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto received_before = receiver.seen().fields;
        auto options = options_for(receiver.port());
        options.queue.capacity = 256;
        options.memory_limit = 4u << 20;
        options.log = [](const monarc::log_line&) {}; // that memory is full is wanted here
        monarc::exporter exporter(options);
        const auto loan = exporter.open_context("loan", "42");
        support::push_counts pushes;
        std::atomic<int> running{0};
        std::atomic<bool> shall_end{false};
        std::vector<std::thread> producers;
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                ++running;
                std::uint64_t taken = 0;
                std::uint64_t refused = 0;
                while (!shall_end) {
                    const bool is_accepted =
                        t % 2 == 0 ? loan.push("n"_key = taken)
                                   : exporter.push("order"_class("7"), "n"_key = taken);
                    ++(is_accepted ? taken : refused);
                    if (!is_accepted) {
                        std::this_thread::yield();
                    }
                }
                pushes.add(taken, refused);
            });
        }
        while (running < threads) {
            std::this_thread::yield();
        }
        std::this_thread::sleep_for(std::chrono::microseconds(97 * (round % 20)));
        CHECK(exporter.stats().is_exact());
        const auto begin = steady::now();
        const auto result = exporter.close(5s);
        const auto took = steady::now() - begin;
        shall_end = true;
        for (auto& one : producers) {
            one.join();
        }

        CHECK(took <= support::close_bound(5s));
        CHECK(result.pending == 0);
        const auto stats = exporter.stats();
        support::check_ledger(stats, pushes, receiver.seen().fields - received_before);
        accepted += stats.accepted;
        queue_full += stats.rejected[monarc::reason::queue_full];
        closed += stats.rejected[monarc::reason::closed];
    }
    const auto seen = receiver.seen();
    CHECK(seen.malformed == 0);
    MESSAGE(
        rounds, " rounds: accepted ", accepted, ", queue_full ", queue_full, ", closed ", closed);
}
}
