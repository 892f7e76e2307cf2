// Cause before effect, also between threads (mona-client.md 16.6).

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

template <class Push>
void keep_trying(application& app, Push&& push) {
    while (!app.count(push())) {
        std::this_thread::sleep_for(100us);
    }
}

} // namespace

TEST_SUITE("integration/order") {
TEST_CASE(
    "D-2.4 what a thread pushes before it starts another arrives before what that one pushes") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_delay = 2ms;
    exporter e(options);
    const auto families = static_cast<std::uint64_t>(rounds(3000));
    for (std::uint64_t f = 0; f < families; ++f) {
        keep_trying(app, [&] { return e.push("run"_class(f % 16), "n"_key = 3 * f); });
        std::thread child([&] {
            keep_trying(app, [&] { return e.push("run"_class(f % 16), "n"_key = 3 * f + 1); });
        });
        child.join();
        keep_trying(app, [&] { return e.push("run"_class(f % 16), "n"_key = 3 * f + 2); });
    }
    CHECK(e.close(patience(10s)).is_clean());
    check_ledger(app, e.stats(), receiver);
    for (const auto& [id, numbers] : numbers_by_context(receiver, "n")) {
        CHECK(numbers.size() >= 3 * (families / 16));
        CHECK(ascends(numbers, true));
    }
}

TEST_CASE(
    "D-2.4 threads that hand a turn around through an atomic keep their order, handles and ids") {
    for (const bool by_handle : {true, false}) {
        CAPTURE(by_handle);
        forward_receiver receiver;
        receiver.start();
        application app;
        auto options = quick_options(receiver, {.merge = merge_mode::off});
        options.batch.max_delay = 2ms;
        options.clock = clock_source::system; // turns are less than 100 ns apart
        exporter e(options);
        const auto handle = e.open_context("run", "one");
        constexpr std::uint64_t threads = 3;
        const auto turns = static_cast<std::uint64_t>(rounds(30'000));
        std::atomic<std::uint64_t> turn = 0;
        std::vector<std::thread> players;
        for (std::uint64_t me = 0; me < threads; ++me) {
            players.emplace_back([&, me] {
                for (std::uint64_t mine = me; mine < turns; mine += threads) {
                    for (int spins = 0; turn.load(std::memory_order_acquire) != mine; ++spins) {
                        if (spins > 200) {
                            std::this_thread::yield();
                        }
                    }
                    keep_trying(app, [&] {
                        return by_handle ? handle.push("n"_key = mine)
                                         : e.push("run"_class("one"), "n"_key = mine);
                    });
                    turn.store(mine + 1, std::memory_order_release);
                }
            });
        }
        for (auto& one : players) {
            one.join();
        }
        CHECK(e.close(patience(10s)).is_clean());
        check_ledger(app, e.stats(), receiver);
        const auto numbers = numbers_by_context(receiver, "n");
        REQUIRE(numbers.size() == 1);
        CHECK(numbers.begin()->second.size() == turns);
        CHECK(ascends(numbers.begin()->second));
    }
}

TEST_CASE(
    "mode overwrite: the value that was pushed later by happens-before is the one that stays") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::overwrite});
    options.batch.max_delay = 2ms;
    options.clock = clock_source::system; // turns are less than 100 ns apart
    exporter e(options);
    const auto turns = static_cast<std::uint64_t>(rounds(12'000));
    std::atomic<std::uint64_t> turn = 0;
    std::array<std::thread, 2> players;
    for (std::uint64_t me = 0; me < players.size(); ++me) {
        players[me] = std::thread([&, me] {
            for (std::uint64_t mine = me; mine < turns; mine += players.size()) {
                while (turn.load(std::memory_order_acquire) != mine) {
                    std::this_thread::yield();
                }
                // Each run gets two values of one key, from both threads.
                keep_trying(app, [&] { return e.push("run"_class(mine / 2), "n"_key = mine); });
                turn.store(mine + 1, std::memory_order_release);
            }
        });
    }
    for (auto& one : players) {
        one.join();
    }
    CHECK(e.close(patience(10s)).is_clean());
    check_ledger(app, e.stats(), receiver);
    const auto numbers = numbers_by_context(receiver, "n");
    CHECK(numbers.size() == turns / 2);
    std::size_t wrong = 0;
    for (const auto& [id, values] : numbers) {
        const auto run = std::stoull(id);
        wrong += values.back() == 2 * run + 1 && ascends(values) ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("F39 threads that live for one push lose nothing and leave nothing") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const int count = rounds(3000);
    for (int i = 0; i < count; ++i) {
        std::thread a(
            [&] { keep_trying(app, [&] { return e.push("run"_class(i % 7), "a"_key = i); }); });
        std::thread b(
            [&] { keep_trying(app, [&] { return e.push("run"_class(i % 7), "b"_key = i); }); });
        a.join();
        b.join();
    }
    // A thread that is gone leaves its part to the next, once that was drained.
    CHECK(e.stats().queue_blocks_added < static_cast<std::uint64_t>(count) / 2);
    CHECK(e.close(patience(10s)).is_clean());
    check_ledger(app, e.stats(), receiver);
}
}
