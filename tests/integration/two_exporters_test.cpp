// Two exporters in one process, fed by the same threads.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

TEST_SUITE("integration/two_exporters") {
TEST_CASE(
    "F46 each exporter keeps its own records and counts, also while the other's receiver is dead") {
    forward_receiver good;
    forward_receiver dead;
    good.start();
    application to_good;
    application to_dead;
    exporter first(quick_options(good));
    auto second = std::make_unique<exporter>(quick_options(dead));
    const auto a = first.open_context("run", "a");
    const auto b = second->open_context("run", "b");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (std::uint64_t i = 0; i < 500; ++i) {
                to_good.count(first.push("run"_class(i), "n"_key = i));
                to_dead.count(second->push("run"_class(i), "n"_key = i, "m"_key = 1), 2);
                to_good.count(a.push("n"_key = i));
                to_dead.count(b.push("n"_key = i, "m"_key = 1), 2);
            }
        });
    }
    for (auto& one : threads) {
        one.join();
    }
    CHECK(first.flush(patience(5s)).is_clean());
    CHECK(second->close(50ms).dropped == to_dead.accepted());
    check_ledger(to_dead, second->stats(), dead, {.fields_per_record = 2});
    second.reset();

    // The threads' parts of a queue that is gone must not be taken for those of the other.
    to_good.count(first.push("run"_class("late"), "n"_key = 1));
    CHECK(first.close(patience(5s)).is_clean());
    check_ledger(to_good, first.stats(), good);
}

TEST_CASE("exporters that come and go while one thread pushes to all of them") {
    forward_receiver receiver;
    receiver.start();
    std::uint64_t fields = 0;
    for (int i = 0; i < rounds(100); ++i) {
        application app;
        exporter one(quick_options(receiver));
        exporter other(quick_options(receiver));
        for (int k = 0; k < 10; ++k) {
            CHECK(app.count(one.push("run"_class(i), "n"_key = k)));
            CHECK(app.count(other.push("run"_class(i), "n"_key = k)));
        }
        CHECK(one.close(patience(5s)).delivered == 10);
        CHECK(other.close(patience(5s)).delivered == 10);
        CHECK(one.stats().is_exact());
        CHECK(other.stats().accepted + one.stats().accepted == app.accepted());
        fields += app.fields();
        CHECK(receiver.fields() == fields);
    }
}
}
