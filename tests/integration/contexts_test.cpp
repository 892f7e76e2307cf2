// Handles: closed, copied, dropped by the thousand.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

std::size_t resident_bytes() {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

TEST_SUITE("integration/contexts") {
TEST_CASE("D-1.3 pushes through a copy of a closed context are dropped(closed_context)") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    auto handle = e.open_context("run", "one");
    const auto copy = handle;
    record fields;
    fields.add(key("n"), 5);
    app.count(handle.push("n"_key = 1));
    app.count(copy.push("n"_key = 2));
    app.count(copy.push(fields));
    handle.close();
    app.count(copy.push("n"_key = 3));
    app.count(handle.at(std::chrono::system_clock::now()).push("n"_key = 4));
    app.count(copy.push(fields));
    handle.close();
    CHECK(handle.id() == "one");

    const auto result = e.flush(patience(5s));
    CHECK(result.dropped == 3);
    CHECK(result.delivered == 3);
    CHECK_FALSE(result.is_clean());
    app.count(e.open_context("run", "one").push("n"_key = 6)); // the same run, opened again
    CHECK(e.flush(patience(5s)).delivered == 4);
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.destinations[0].dropped[reason::closed_context] == 3);
    check_ledger(app, stats, receiver, {.fields_per_record = 1});
}

TEST_CASE(
    "what was pushed before the last handle went, or before close in the same thread, arrives") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const auto count = static_cast<std::uint64_t>(rounds(20'000));
    for (std::uint64_t i = 0; i < count; ++i) {
        auto handle = e.open_context("run", std::to_string(i % 100));
        while (!app.count(handle.push("n"_key = i))) {
            std::this_thread::sleep_for(1ms);
        }
        if (i % 3 == 0) {
            handle.close();
        }
    }
    CHECK(e.close(patience(10s)).is_clean());
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("handles opened and dropped by the thousand leave nothing behind") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const auto spin = [&](int count) {
        for (int i = 0; i < count; ++i) {
            auto handle = e.open_context("run", "a rather long id of a run " + std::to_string(i));
            const auto copy = handle;
            if (i % 2 == 0) {
                while (!app.count(copy.push("n"_key = i))) {
                    std::this_thread::sleep_for(1ms);
                }
            }
            if (i % 1000 == 0) {
                e.flush(patience(5s));
            }
        }
        CHECK(e.flush(patience(10s)).is_clean());
        CHECK(wait_until([&] { return e.stats().live_contexts == 0; }, patience(5s)));
    };
    spin(rounds(10'000));
    const auto before = e.stats().memory_bytes;
    const auto resident = resident_bytes();
    spin(rounds(10'000));
    spin(rounds(10'000));
    CHECK(e.stats().memory_bytes <= before + 256 * 1024);
    if (std::getenv("MONARC_TEST_SANITIZER") == nullptr) { // a sanitizer keeps what was freed
        // The receiver keeps all it got: about 1 KiB an event.
        CHECK(resident_bytes() <= resident + (24u << 20));
    }
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("handles outlive the exporter") {
    forward_receiver receiver;
    receiver.start();
    application app;
    std::optional<context> late;
    std::vector<context> copies;
    {
        exporter e(quick_options(receiver));
        late = e.open_context("run", "one");
        app.count(late->push("n"_key = 1));
        copies.assign(10, *late);
        e.close(patience(5s));
        check_ledger(app, e.stats(), receiver);
    }
    CHECK_FALSE(late->push("n"_key = 2));
    CHECK(late->id() == "one");
    copies.clear();
    late->close();
    late.reset();
}

TEST_CASE("D-4.9 a context that was evicted is told its class again; with one context all are") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver);
    options.max_contexts = 10;
    exporter e(options);
    for (std::uint64_t i = 0; i < 300; ++i) {
        app.count(e.push("run"_class(i % 30), "n"_key = i));
    }
    CHECK(e.flush(patience(5s)).is_clean());
    const auto stats = e.stats();
    CHECK(stats.live_contexts <= 10);
    CHECK(stats.evicted_contexts >= 280);
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    for (const auto& [id, events] : receiver.events_by_context()) {
        CHECK(events.front().class_name == "run");
        std::size_t told = 0;
        for (const auto& event : events) {
            told += event.class_name ? 1 : 0;
        }
        CHECK(told >= 2);
    }
}
}
