#include "support/io_brake.hpp"
#include "support/ledger.hpp"
#include "support/plain_receiver.hpp"
#include "support/sanitizer.hpp"

#include <monarc/exporter.hpp>

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint64_t share = 16'384; // D-8.4

std::size_t resident_bytes() {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

TEST_SUITE("faults/queue_full") {
TEST_CASE("D-8.4 the pool is in memory before the first push, not only in the address space") {
    constexpr std::size_t slots = 1u << 18;
    constexpr std::size_t pool_bytes = slots * 192;
    const auto before = resident_bytes();
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.capacity = slots},
         .memory_limit = 2 * pool_bytes});
    const auto after = resident_bytes();
    exporter.close(0s);

    CHECK(after >= before + pool_bytes - pool_bytes / 16);
}

TEST_CASE("F40 while nothing is taken each thread gets its share, and the rest is refused") {
    constexpr int threads = 8;
    constexpr std::uint64_t each = 50'000;
    support::io_brake brake;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .batch = {.max_delay = 1ms},
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });

    std::vector<std::thread> producers;
    std::vector<std::uint64_t> accepted(threads);
    for (auto& mine : accepted) {
        producers.emplace_back([&] {
            for (std::uint64_t i = 0; i < each; ++i) {
                mine += loan.push("n"_key = i) ? 1u : 0u;
            }
            pushes.add(mine, each - mine);
        });
    }
    for (auto& one : producers) {
        one.join();
    }
    brake.release();
    exporter.close(0s);

    for (const auto one : accepted) {
        CHECK(one == share);
    }
    const auto stats = exporter.stats();
    CHECK(stats.rejected[monarc::reason::queue_full] == threads * (each - share));
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("F40 beyond memory_limit no block is added, and the rest is refused") {
    support::io_brake brake;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.capacity = 256},
         .batch = {.max_delay = 1ms},
         .memory_limit = 4u << 20,
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });
    std::vector<std::thread> producers;
    for (int t = 0; t < 16; ++t) {
        producers.emplace_back([&] {
            for (int i = 0; i < 20'000; ++i) {
                pushes(loan.push("n"_key = i));
            }
        });
    }
    for (auto& one : producers) {
        one.join();
    }
    // Threads that look at the same moment may add one block of 256 slots each beyond it.
    constexpr std::uint64_t limit_slots = (4u << 20) / 192u;
    constexpr std::uint64_t at_most = limit_slots + 16 * 256;
    brake.release();
    exporter.close(0s);

    CHECK(pushes.accepted() <= at_most);
    CHECK(pushes.accepted() >= limit_slots / 2);
    const auto stats = exporter.stats();
    CHECK(stats.rejected[monarc::reason::queue_full] == pushes.rejected());
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("F40 with block_timeout pushes wait for room, and none is refused") {
    constexpr int threads = 8;
    constexpr std::uint64_t each = support::scaled<std::uint64_t>(100'000, 40'000, 30'000);
    support::plain_receiver receiver;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = receiver.port()},
         .queue = {.block_timeout = 60s},
         .memory_limit = 256u << 20});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    const std::string text(500, 'x');
    std::vector<std::thread> producers;
    for (int t = 0; t < threads; ++t) {
        producers.emplace_back([&, t] {
            std::uint64_t accepted = 0;
            for (std::uint64_t i = 0; i < each; ++i) {
                accepted += t == 0 && i % 4 == 0 ? loan.push("t"_key = std::string_view(text))
                                                 : loan.push("n"_key = i);
            }
            pushes.add(accepted, each - accepted);
        });
    }
    for (auto& one : producers) {
        one.join();
    }
    const auto result = exporter.close(60s);

    CHECK(result.is_clean());
    CHECK(pushes.accepted() == threads * each);
    const auto stats = exporter.stats();
    CHECK(stats.rejected.total() == 0);
    support::check_ledger(stats, pushes, receiver.seen().fields);
}

TEST_CASE("F40 with block_timeout each thread gets its share, then waits, then is refused") {
    constexpr int threads = 8;
    constexpr auto wait = 80ms;
    support::io_brake brake;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.block_timeout = wait},
         .batch = {.max_delay = 1ms},
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });

    std::vector<std::thread> producers;
    std::vector<std::uint64_t> accepted(threads);
    std::vector<steady::duration> waited(threads);
    for (std::size_t t = 0; t < threads; ++t) {
        producers.emplace_back([&, t] {
            while (accepted[t] != share && loan.push("n"_key = accepted[t])) {
                ++accepted[t];
            }
            const auto begin = steady::now();
            const bool is_accepted = loan.push("n"_key = 0);
            waited[t] = steady::now() - begin;
            pushes.add(accepted[t] + (is_accepted ? 1 : 0), is_accepted ? 0 : 1);
        });
    }
    for (auto& one : producers) {
        one.join();
    }
    brake.release();
    exporter.close(0s);

    for (std::size_t t = 0; t < threads; ++t) {
        CHECK(accepted[t] == share);
        CHECK(waited[t] >= wait);
        CHECK(waited[t] <= 60s);
    }
    const auto stats = exporter.stats();
    CHECK(stats.rejected[monarc::reason::queue_full] == threads);
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("F40 close wakes the pushes that wait for room, though the I/O thread stands still") {
    constexpr int threads = 8;
    support::io_brake brake;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.block_timeout = 60s},
         .batch = {.max_delay = 1ms},
         .log = brake.log()});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    brake.pull([&] { pushes(loan.push("n"_key = 0)); });
    std::atomic<int> full{0};
    std::vector<std::thread> producers;
    for (int t = 0; t < threads; ++t) {
        producers.emplace_back([&] {
            for (std::uint64_t i = 0; i < share; ++i) {
                pushes(loan.push("n"_key = i));
            }
            ++full;
            pushes(loan.push("n"_key = 0));
        });
    }
    while (full != threads) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(20ms);
    CHECK(pushes.rejected() == 0);
    const auto begin = steady::now();
    std::thread closer([&] { exporter.close(0s); });
    for (auto& one : producers) {
        one.join();
    }
    CHECK(steady::now() - begin <= support::close_bound(0s));
    brake.release();
    closer.join();

    const auto stats = exporter.stats();
    CHECK(stats.accepted == threads * share + 1);
    CHECK(stats.rejected[monarc::reason::closed] == threads);
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("F40 a push from the log callback never waits for the room that its thread would make") {
    std::atomic<monarc::exporter*> known{nullptr};
    std::atomic<bool> is_full{false};
    support::push_counts pushes;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = support::deaf_port()},
         .queue = {.block_timeout = 60s},
         .batch = {.max_delay = 1ms},
         .log = [&](const monarc::log_line&) {
             auto* const to = known.load();
             if (to == nullptr || is_full) {
                 return;
             }
             for (std::uint64_t i = 0; !is_full; ++i) {
                 is_full = !pushes(to->push("log"_class("line"), "n"_key = i));
             }
         }});
    known = &exporter;
    const auto begin = steady::now();
    pushes(exporter.push("loan"_class("42"), "n"_key = 0));
    while (!is_full && steady::now() - begin < 50s) {
        std::this_thread::sleep_for(1ms);
    }
    CHECK(is_full);
    CHECK(steady::now() - begin < 50s);
    exporter.close(0s);

    const auto stats = exporter.stats();
    CHECK(stats.rejected[monarc::reason::queue_full] == 1);
    support::check_ledger(stats, pushes, 0);
}

TEST_CASE("F40 64 bursty threads in turn get their share each") {
    constexpr int threads = 64;
    constexpr std::uint64_t burst = share + 4096;
    support::plain_receiver receiver;
    monarc::exporter exporter(
        {.mona = monarc::mona_forward_options{.port = receiver.port()},
         .memory_limit = 256u << 20});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;
    std::atomic<int> turn{0};
    std::atomic<bool> is_over{false};
    std::vector<std::uint64_t> in_a_row(threads); // accepted before the first was refused
    std::vector<std::thread> producers;
    for (int t = 0; t < threads; ++t) {
        producers.emplace_back([&, t] {
            while (turn != t) {
                std::this_thread::sleep_for(100us);
            }
            std::uint64_t accepted = 0;
            for (std::uint64_t i = 0; i < burst; ++i) {
                const bool is_accepted = loan.push("n"_key = i);
                in_a_row[t] += is_accepted && in_a_row[t] == i ? 1u : 0u;
                accepted += is_accepted ? 1u : 0u;
            }
            pushes.add(accepted, burst - accepted);
            ++turn;
            while (!is_over) { // all of them live at once: none can take over another's blocks
                std::this_thread::sleep_for(1ms);
            }
        });
    }
    while (turn != threads) {
        std::this_thread::sleep_for(1ms);
    }
    is_over = true;
    for (auto& one : producers) {
        one.join();
    }
    const auto result = exporter.close(60s);

    for (const auto one : in_a_row) {
        CHECK(one >= share);
    }
    const auto stats = exporter.stats();
    MESSAGE(
        "accepted ",
        stats.accepted,
        ", refused ",
        stats.rejected.total(),
        ", blocks added ",
        stats.queue_blocks_added,
        ", dropped ",
        stats.destinations.at(0).dropped.total());
    CHECK(result.is_clean()); // a receiver that keeps up loses nothing for want of memory
    CHECK(stats.pushed == threads * burst);
    support::check_ledger(stats, pushes, receiver.seen().fields);
}
}
