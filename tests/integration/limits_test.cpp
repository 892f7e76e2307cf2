// Records, names and batches at their limits.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::size_t entries_of(const received_message& m) {
    return static_cast<std::size_t>(std::count_if(
        m.events.begin(), m.events.end(), [](const auto& e) { return !e.class_name; }));
}

} // namespace

TEST_SUITE("integration/limits") {
TEST_CASE("D-4.1 texts of every length up to the limit arrive whole, longer ones are "
          "rejected(oversize)") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver, {.merge = merge_mode::off}));
    auto handle = e.open_context("run", "handle");
    const key text_key("t");
    std::vector<std::size_t> sizes;
    for (std::size_t n = 0; n <= 3300; n += n < 400 ? 1 : 61) {
        sizes.push_back(n);
    }
    sizes.insert(sizes.end(), {65'535, 65'536, 65'537, 1 << 20});
    std::vector<std::size_t> taken;
    for (const auto n : sizes) {
        std::string text(n, 'a');
        for (std::size_t i = 0; i < n; i += 7) {
            text[i] = static_cast<char>('a' + n % 26);
        }
        record fields;
        fields.add(text_key, std::string_view(text));
        const std::string_view view(text);
        const bool results[] = {
            app.count(handle.push("t"_key = view)),
            app.count(handle.push(fields)),
            app.count(e.push("run"_class("with"), "t"_key = view)),
            app.count(e.push("run"_class("run-time"), fields))};
        for (const bool accepted : results) {
            CHECK((accepted || n > 2900));
            CHECK((!accepted || n <= 3040));
        }
        if (results[0]) {
            taken.push_back(n);
        }
    }
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.rejected[reason::oversize] == app.refused());
    check_ledger(app, stats, receiver);
    const auto contexts = receiver.events_by_context();
    for (const auto& [id, events] : contexts) {
        std::vector<std::size_t> got;
        for (const auto& event : events) {
            if (const auto* t = event.find("t")) {
                const auto& text = std::get<std::string>(*t);
                got.push_back(text.size());
                CHECK((text.empty() || text[0] == static_cast<char>('a' + text.size() % 26)));
                CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos);
            }
        }
        CHECK(std::is_sorted(got.begin(), got.end()));
        if (id == "handle") { // two pushes a size, the second with run-time keys
            std::vector<std::size_t> distinct(got);
            distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
            CHECK(distinct == taken);
        }
    }
}

TEST_CASE("ids and classes: empty, with NUL, bad UTF-8, too long") {
    for (const auto merge : {merge_mode::off, merge_mode::disjoint}) {
        forward_receiver receiver;
        receiver.start();
        application app;
        exporter e(quick_options(receiver, {.merge = merge}));
        const std::string long_id(1024, 'i');
        const std::string longer_id(1025, 'i');
        const std::string huge(1 << 20, 'i');
        const std::string long_class(255, 'c');

        app.count(e.push("run"_class(""), "n"_key = 1));
        app.count(e.push("run"_class(""), "m"_key = 1)); // 16.1: each a row of its own
        app.count(e.push("run"_class("a\0b"s), "n"_key = 1));
        app.count(e.push("run"_class("\xff\xfe"s), "n"_key = 1));
        app.count(e.push("run"_class(long_id), "n"_key = 1));
        app.count(e.push(""_class("no class"), "n"_key = 1));
        CHECK_FALSE(app.count(e.push("run"_class(longer_id), "n"_key = 1)));
        CHECK_FALSE(app.count(e.push("run"_class(huge), "n"_key = 1)));
        app.count(e.open_context("", "empty class").push("n"_key = 1));
        app.count(e.open_context("run", "").push("n"_key = 1));
        app.count(e.open_context("cl\xffss", "\xc0\x80").push("n"_key = 1));
        app.count(e.open_context(std::string_view("c\0d", 3), "nul class").push("n"_key = 1));
        app.count(e.open_context(long_class, long_id + "").push("n"_key = 1));
        CHECK_FALSE(app.count(e.open_context("run", longer_id).push("n"_key = 1)));
        CHECK_FALSE(app.count(e.open_context("run", huge).push("n"_key = 1)));
        CHECK_FALSE(app.count(e.open_context(long_class + "c", "x").push("n"_key = 1)));
        CHECK_FALSE(app.count(e.open_context(huge, "x").push("n"_key = 1)));
        CHECK(app.refused() == 6);

        CHECK(e.flush(patience(5s)).is_clean());
        e.close(patience(1s));
        const auto stats = e.stats();
        CHECK(stats.rejected[reason::oversize] == 6);
        check_ledger(app, stats, receiver);
        const auto all = receiver.events();
        const auto class_of = [&](const std::string& id) -> std::string {
            for (const auto& event : all) {
                if (event.context == id && event.class_name) {
                    return *event.class_name;
                }
            }
            return "none";
        };
        CHECK(class_of("a\0b"s) == "run");
        CHECK(class_of("\xef\xbf\xbd\xef\xbf\xbd") == "run"); // then the other of the same id
        CHECK(std::any_of(all.begin(), all.end(), [](const auto& event) {
            return event.class_name == "cl\xef\xbf\xbdss";
        }));
        CHECK(class_of("no class") == "none");
        CHECK(class_of("empty class") == "none");
        CHECK(class_of("nul class") == "c\0d"s);
        CHECK(class_of(long_id) != "none");
        // Two ids that were repaired to the same text, and one class name.
        CHECK(stats.utf8_repaired >= 2);
        std::size_t without_id = 0;
        for (const auto& event : all) {
            without_id += event.context.empty() && !event.class_name ? 1 : 0;
        }
        CHECK(without_id == 3);
    }
}

TEST_CASE("run-time keys: empty, 255 bytes, with NUL, bad UTF-8, 1 MiB; many in one record") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver, {.merge = merge_mode::off}));
    record fields;
    fields.add(key(""), 1)
        .add(key(std::string(255, 'k')), 2)
        .add(key("a\0b"s), 3)
        .add(key("\xff"s), 4);
    app.count(e.push("run"_class("names"), fields), 4);
    record too_long;
    too_long.add(key(std::string(256, 'k')), 1);
    CHECK_FALSE(app.count(e.push("run"_class("x"), too_long)));
    too_long.clear();
    too_long.add(key(std::string(1 << 20, 'k')), 1);
    CHECK_FALSE(app.count(e.push("run"_class("x"), too_long)));
    too_long.clear();
    too_long.add(key("n"), 1); // usable again
    app.count(e.push("run"_class("again"), too_long));

    // The same key twice in one record: the later value, at the place of the first.
    record twice;
    twice.add(key("n"), 1).add(key("m"), 2).add(key("n"), 3);
    app.count(e.push("run"_class("twice"), twice), 3);

    // As many null fields with keys of 255 bytes as a record takes: more than a batch may have.
    record many;
    std::uint64_t count = 0;
    for (; count < 900; ++count) {
        many.add(key(std::string(250, 'm') + std::to_string(count)), nullptr);
    }
    app.count(e.push("run"_class("many"), many), count);

    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    const auto stats = e.stats();
    CHECK(stats.rejected[reason::oversize] == 2);
    CHECK(stats.overwritten_fields == 1);
    check_ledger(app, stats, receiver);
    const auto contexts = receiver.events_by_context();
    REQUIRE(contexts.count("names") == 1);
    const auto& names = contexts.at("names").back();
    CHECK(names.find("") != nullptr);
    CHECK(names.find(std::string(255, 'k')) != nullptr);
    CHECK(names.find("a\0b"s) != nullptr);
    CHECK(names.find("\xef\xbf\xbd") != nullptr);
    const auto& repeated = contexts.at("twice").back();
    REQUIRE(repeated.fields.size() == 2);
    CHECK(repeated.fields[0].second == received_value(std::uint64_t{3}));
    CHECK(repeated.fields[1].second == received_value(std::uint64_t{2}));
    CHECK(contexts.at("many").back().fields.size() == 900);
}

TEST_CASE("D-3.2 no payload has more records than max_records, nor more bytes than max_bytes") {
    for (const auto mode : {forward_mode::packed, forward_mode::forward, forward_mode::message}) {
        for (const bool gzip : {true, false}) {
            CAPTURE(static_cast<int>(mode));
            CAPTURE(gzip);
            forward_receiver receiver;
            receiver.start();
            application app;
            auto options =
                quick_options(receiver, {.mode = mode, .gzip = gzip, .merge = merge_mode::off});
            options.batch = {.max_records = 37, .max_bytes = 8192, .max_delay = 1s};
            exporter e(options);
            const key run_time("a run-time key of some length");
            for (std::uint64_t i = 0; i < 600; ++i) {
                const std::string text(i * 7 % 900, 't');
                record fields;
                fields.add(run_time, std::string_view(text)).add(key("n"), i);
                const std::string id(i % 5 * 50, 'i');
                app.count(e.push("run"_class(id + "a"), fields), 2);
                app.count(
                    e.push("run"_class(id + "b"), "n"_key = i, "t"_key = std::string_view(text)),
                    2);
            }
            for (std::uint64_t i = 0; i < 200; ++i) {
                app.count(e.push("run"_class("small"), "n"_key = i, "x"_key = 1.5), 2);
            }
            CHECK(e.flush(patience(5s)).is_clean());
            e.close(patience(1s));
            check_ledger(app, e.stats(), receiver);
            std::size_t fullest = 0;
            for (const auto& m : receiver.messages()) {
                CHECK(m.entries_bytes <= 8192);
                CHECK(entries_of(m) <= 37);
                fullest = std::max(fullest, entries_of(m));
            }
            if (mode != forward_mode::message) {
                CHECK(fullest == 37);
            }
        }
    }
}

TEST_CASE("D-3.2 a record goes out after max_delay, not before and not much later") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver);
    options.batch.max_delay = 150ms;
    exporter e(options);
    for (std::uint64_t i = 1; i <= 3; ++i) {
        const auto begin = steady::now();
        app.count(e.push("run"_class("one"), "n"_key = i));
        CHECK(receiver.wait_for_fields(i, patience(5s)));
        CHECK(since(begin) >= 145ms);
        CHECK(since(begin) <= patience(1s));
    }
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
}

TEST_CASE(
    "D-6.6 what is older than max_age is dropped(expired), what failed too often dead(attempts)") {
    for (const bool by_age : {true, false}) {
        CAPTURE(by_age);
        forward_receiver receiver;
        application app;
        auto options = quick_options(receiver);
        if (by_age) {
            options.retry.max_age = 100ms;
        } else {
            options.retry.max_attempts = 3;
        }
        exporter e(options);
        for (std::uint64_t i = 0; i < 10; ++i) {
            app.count(e.push("run"_class("one"), "n"_key = i));
        }
        const auto result = e.flush(patience(10s));
        CHECK_FALSE(result.error);
        CHECK((by_age ? result.dropped : result.dead) == 10);
        receiver.start();
        app.count(e.push("run"_class("one"), "n"_key = 10));
        CHECK(e.flush(patience(10s)).delivered == 1);
        e.close(patience(1s));
        const auto stats = e.stats();
        CHECK(stats.destinations[0].dropped[reason::expired] == (by_age ? 10 : 0));
        CHECK(stats.destinations[0].dead[reason::attempts] == (by_age ? 0 : 10));
        check_ledger(app, stats, receiver, {.fields_per_record = 1});
        // The class message was in what was lost: it comes again.
        const auto events = receiver.events();
        REQUIRE(!events.empty());
        CHECK(events.front().class_name == "run");
    }
}
}
