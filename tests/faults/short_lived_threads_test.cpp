#include "support/ledger.hpp"
#include "support/plain_receiver.hpp"
#include "support/sanitizer.hpp"

#include <monarc/exporter.hpp>

#include <doctest/doctest.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

constexpr int total = support::scaled(1'000'000, 100'000, 10'000);
constexpr int spawners = 4;
const bool cancels = !support::skips(
    support::is_address_sanitized,
    "F39 the part with cancelled threads",
    "address sanitizer does not undo the stack of a cancelled thread and reports itself");
constexpr std::int64_t slack_kib =
    support::scaled(4, 256, 256) * 1024; // a sanitizer keeps what is freed

std::int64_t resident_kib() {
    long pages = 0;
    long ignored = 0;
    if (auto* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &ignored, &pages) != 2) {
            pages = 0;
        }
        std::fclose(file);
    }
    return pages * ::sysconf(_SC_PAGESIZE) / 1024;
}

struct life {
    monarc::exporter& exporter;
    const monarc::context& loan;
    support::push_counts& pushes;
    bool is_cancelled;
};

// Pushes twice and ends; a cancelled one ends at the first chance that it offers.
void* live(void* given) {
    auto& mine = *static_cast<life*>(given);
    if (mine.is_cancelled) {
        ::pthread_cancel(::pthread_self());
    }
    mine.pushes(mine.loan.push("n"_key = 1));
    mine.pushes(mine.exporter.push("order"_class("7"), "n"_key = 2));
    ::pthread_testcancel();
    return nullptr;
}

void spawn(
    int count,
    monarc::exporter& exporter,
    const monarc::context& loan,
    support::push_counts& pushes) {
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, 256 * 1024);
    for (int i = 0; i < count; ++i) {
        life one{
            .exporter = exporter,
            .loan = loan,
            .pushes = pushes,
            .is_cancelled = cancels && i % 16 == 0};
        pthread_t thread;
        if (::pthread_create(&thread, &small, live, &one) != 0) {
            throw std::runtime_error("pthread_create");
        }
        void* result = nullptr;
        ::pthread_join(thread, &result);
        if ((result == PTHREAD_CANCELED) != one.is_cancelled) {
            throw std::runtime_error("cancellation went wrong");
        }
    }
    ::pthread_attr_destroy(&small);
}

void spawn_everywhere(
    int count,
    monarc::exporter& exporter,
    const monarc::context& loan,
    support::push_counts& pushes) {
    std::vector<std::thread> all;
    for (int i = 0; i < spawners; ++i) {
        all.emplace_back([&] { spawn(count / spawners, exporter, loan, pushes); });
    }
    for (auto& one : all) {
        one.join();
    }
}

} // namespace

TEST_SUITE("faults/short_lived_threads") {
TEST_CASE("F39 any number of short-lived threads, some cancelled, causes no growth") {
    support::plain_receiver receiver;
    monarc::exporter exporter({.mona = monarc::mona_forward_options{.port = receiver.port()}});
    const auto loan = exporter.open_context("loan", "42");
    support::push_counts pushes;

    // A backlog that was never that high adds a block, up to memory_limit: those are counted.
    struct reading {
        std::int64_t resident_kib;
        std::int64_t live_kib; ///< allocated and not freed; a sanitizer does not tell
        std::uint64_t blocks_added;
    };
    const auto read = [&] {
        const auto heap = ::mallinfo2();
        return reading{
            .resident_kib = resident_kib(),
            .live_kib = static_cast<std::int64_t>((heap.uordblks + heap.hblkhd) / 1024),
            .blocks_added = exporter.stats().queue_blocks_added};
    };
    spawn_everywhere(total / 10, exporter, loan, pushes);
    const auto early = read();
    spawn_everywhere(total / 2 - total / 10, exporter, loan, pushes);
    const auto middle = read();
    spawn_everywhere(total / 2, exporter, loan, pushes);
    const auto late = read();
    const auto result = exporter.close(20s);
    const auto stats = exporter.stats();

    for (const auto& [when, r] :
         {std::pair<std::string, reading>("after a tenth", early),
          {"after half", middle},
          {"at the end", late}}) {
        MESSAGE(
            total,
            " threads, ",
            when,
            ": resident ",
            r.resident_kib,
            " KiB, live heap ",
            r.live_kib,
            " KiB, blocks added ",
            r.blocks_added);
    }
    // 48 KiB a block, and a quarter of it for the part of the queue that holds the block.
    const auto grown_kib =
        static_cast<std::int64_t>(60 * (late.blocks_added - middle.blocks_added));
    CHECK(late.resident_kib - middle.resident_kib <= grown_kib + slack_kib);
    CHECK(late.live_kib - middle.live_kib <= grown_kib + slack_kib);
    CHECK(result.is_clean());
    CHECK(pushes.accepted() + pushes.rejected() == 2u * total);
    support::check_ledger(stats, pushes, receiver.seen().fields);
}
}
