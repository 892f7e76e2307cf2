// JSON texts: nested, prepared, bad, at their limits, from many threads.

#include "support/io_brake.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

constexpr std::size_t most_bytes = 256 * 1024;

// An object of one field and exactly so many bytes.
std::string object_of(std::size_t bytes) {
    const auto begin = "{\"t\": \""s;
    return begin + std::string(bytes - begin.size() - 2, 'x') + "\"}";
}

std::vector<received_event> fields_of(const forward_receiver& receiver, const std::string& id) {
    auto events = receiver.events();
    std::erase_if(events, [&](const auto& e) { return e.context != id || e.class_name; });
    return events;
}

} // namespace

TEST_SUITE("integration/push_json") {
TEST_CASE("objects arrive with every type and any nesting, and merge with typed fields") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const auto when = std::chrono::system_clock::time_point(1'600'000'000s);
    auto handle = e.open_context("run", "handle");
    app.count(
        handle.at(when).push_json(
            R"({"n": null, "b": true, "i": -1, "u": 18446744073709551615, "r": 1.0, "t": "ä\n",
                "o": {"x": {"y": [1, {}, "z"]}}, "a": [], "MONA_x": 1, "nested": {"MONA_x": 1}})"),
        10);
    app.count(handle.at(when).push("typed"_key = 1));
    app.count(handle.at(when).push_json("{\"more\": 2, \"more\": 3}"), 2);
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));

    const auto stats = e.stats();
    CHECK(stats.stripped_fields == 1);
    CHECK(stats.overwritten_fields == 1);
    check_ledger(app, stats, receiver);
    std::vector<std::pair<std::string, received_value>> got;
    for (const auto& event : fields_of(receiver, "handle")) {
        CHECK(event.export_timestamp == 1'600'000'000);
        got.insert(got.end(), event.fields.begin(), event.fields.end());
    }
    const std::vector<std::pair<std::string, received_value>> expected{
        {"n", nullptr},
        {"b", true},
        {"i", std::int64_t{-1}},
        {"u", std::uint64_t{18446744073709551615u}},
        {"r", 1.0},
        {"t", "\xc3\xa4\n"s},
        {"o", received_nested{"{\"x\": {\"y\": [1, {}, \"z\"]}}"}},
        {"a", received_nested{"[]"}},
        {"nested", received_nested{"{\"MONA_x\": 1}"}},
        {"typed", std::uint64_t{1}},
        {"more", std::uint64_t{3}}};
    CHECK(got == expected);
}

TEST_CASE(
    "mona-client.md 5 what is left of only reserved keys, or of nothing, is filtered(empty)") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    app.count(e.push_json("run"_class("a"), "{\"MONA_a\": 1, \"MONA_b\": {}}"), 2);
    app.count(e.push_json("run"_class("a"), " {} "), 0);
    app.count(e.push_json("run"_class("a"), "{\"mona_a\": 1}"), 1);
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    CHECK(e.stats().destinations[0].filtered[reason::empty] == 2);
    CHECK(e.stats().stripped_fields == 2);
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-4.7 what is no JSON object is dropped(bad_json), logged once, and harms nobody") {
    log_book log;
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.log = log.writer();
    exporter e(std::move(options));
    const std::string_view bad[] = {
        "",
        "null",
        "[1]",
        "{",
        "{\"a\": 1",
        "{\"a\": 1}}",
        "{\"a\": 1}{\"a\": 1}",
        "{\"a\": NaN}",
        "{\"a\": 123456789012345678901234567890}",
        "\xff"};
    const auto handle = e.open_context("run", "b");
    for (int round = 0; round < 5; ++round) {
        for (const auto text : bad) {
            app.count(e.push_json("run"_class("a"), text));
            app.count(e.push_json("run"_class("a"), "{\"n\": 1}"));
            app.count(handle.push("n"_key = 1));
        }
    }
    const std::string deep(100'000, '[');
    app.count(handle.push_json("{\"a\": " + deep));
    CHECK(e.flush(patience(5s)).dropped == 51);
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.destinations[0].dropped[reason::bad_json] == 51);
    CHECK(stats.destinations[0].dropped.total() == 51);
    CHECK(log.count("push_json: ") == 1);
    CHECK(log.count("bad_json") == 1);
    CHECK(stats.is_exact());
    CHECK(stats.accepted == app.accepted());
    CHECK(stats.destinations[0].delivered == 100);
    CHECK(receiver.fields() == 100);
    CHECK(receiver.protocol_errors().empty());
}

TEST_CASE("D-4.1 256 KiB are accepted and arrive, one byte more is rejected(oversize)") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    const auto handle = e.open_context("run", "handle");
    const std::string id(1024, 'i');
    for (int i = 0; i < 3; ++i) {
        app.count(e.push_json("run"_class(id), object_of(most_bytes)));
        app.count(handle.push_json(object_of(most_bytes)));
    }
    CHECK_FALSE(app.count(e.push_json("run"_class("x"), object_of(most_bytes + 1))));
    CHECK_FALSE(app.count(handle.push_json(object_of(most_bytes + 1))));
    CHECK_FALSE(app.count(e.push_json("run"_class(id + "i"), "{}")));
    CHECK(e.flush(patience(10s)).is_clean());
    e.close(patience(1s));
    CHECK(e.stats().rejected[reason::oversize] == 3);
    check_ledger(app, e.stats(), receiver);
    for (const auto& context : {id, "handle"s}) {
        const auto events = fields_of(receiver, context);
        REQUIRE(events.size() == 3);
        for (const auto& event : events) {
            CHECK(
                std::get<std::string>(event.fields.at(0).second).size() ==
                object_of(most_bytes).size() - 9);
        }
    }
}

TEST_CASE("texts on their way count against memory_limit, and are given back") {
    forward_receiver receiver;
    receiver.start();
    application app;
    ::support::io_brake brake;
    auto options = quick_options(receiver);
    options.queue.capacity = 256;
    options.memory_limit = 4 << 20;
    options.log = brake.log();
    exporter e(std::move(options));
    const auto handle = e.open_context("run", "handle");
    brake.pull([&] { app.count(handle.push_json("no JSON")); }); // a line of the log holds it up
    const auto text = object_of(100'000);
    int accepted = 0;
    while (accepted < 1000 && app.count(handle.push_json(text))) {
        ++accepted;
    }
    CHECK(accepted >= 5);
    CHECK(accepted <= 42);
    brake.release();
    e.flush(patience(10s));
    CHECK(app.count(handle.push_json("{\"t\": 1}"))); // there is room again
    e.flush(patience(10s));
    const auto stats = e.stats();
    CHECK(stats.rejected[reason::queue_full] == app.refused());
    CHECK(stats.memory_bytes <= std::size_t{4} << 20);
    CHECK(stats.destinations[0].dropped[reason::bad_json] == 1);
    e.close(patience(1s));
    CHECK(e.stats().is_exact());
    CHECK(
        e.stats().destinations[0].delivered + e.stats().destinations[0].dropped.total() ==
        app.accepted());
}

TEST_CASE("eight threads push texts and fields at once: all arrive, in the order of each thread") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    exporter e(std::move(options));
    const int pushes = rounds(2000);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                const class_name late("thread");
                for (int i = 0; i < pushes; ++i) {
                    const auto n = static_cast<std::uint64_t>(i);
                    const auto text = "{\"o\": {\"i\": [" + std::to_string(i) +
                                      "]}, \"n\": " + std::to_string(i) + "}";
                    while (
                        !(i % 2 == 0
                              ? app.count(e.push_json(late(t), text), 2)
                              : app.count(e.push(late(t), "n"_key = n, "o"_key = object()), 2))) {
                        std::this_thread::sleep_for(1ms);
                    }
                }
            });
        }
    }
    CHECK(e.flush(patience(20s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    const auto numbers = numbers_by_context(receiver, "n");
    REQUIRE(numbers.size() == 8);
    for (const auto& [id, of_thread] : numbers) {
        CHECK(of_thread.size() == static_cast<std::size_t>(pushes));
        CHECK(ascends(of_thread));
    }
}

TEST_CASE("nothing is left of texts that were refused, dropped by close, or pushed too late") {
    // What is lost here the leak checker of the address sanitizer finds.
    for (int round = 0; round < 20; ++round) {
        forward_receiver receiver; // never listens
        application app;
        exporter e(quick_options(receiver));
        const auto handle = e.open_context("run", "handle");
        std::jthread other([&] {
            for (int i = 0; i < 200; ++i) {
                app.count(handle.push_json(object_of(1000)));
            }
        });
        for (int i = 0; i < 50; ++i) {
            app.count(e.push_json("run"_class(i), object_of(1000)));
        }
        e.close(0ms);
        other.join();
        CHECK_FALSE(app.count(handle.push_json("{\"a\": 1}")));
        e.set_enabled(false);
        CHECK_FALSE(handle.push_json("{\"a\": 1}"));
        const auto stats = e.stats();
        CHECK(stats.is_exact());
        CHECK(stats.accepted == app.accepted());
        CHECK(stats.rejected[reason::closed] == app.refused());
        CHECK(stats.destinations[0].dropped[reason::shutdown] == app.accepted());
    }
}
}
