// Every type of value, every kind of target: what arrives is what was pushed.

#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

received_value nested(std::string text) {
    return received_nested{std::move(text)};
}

// The only value of a key that has arrived for a context.
received_value
arrived(const forward_receiver& receiver, const std::string& id, std::string_view key) {
    received_value found = "not there"s;
    for (const auto& event : receiver.events()) {
        if (const auto* value = event.context == id ? event.find(key) : nullptr) {
            found = *value;
        }
    }
    return found;
}

} // namespace

TEST_SUITE("integration/values") {
TEST_CASE("every type of value arrives, through a handle, with an id, in every merge mode") {
    for (const auto merge : {merge_mode::off, merge_mode::disjoint, merge_mode::overwrite}) {
        forward_receiver receiver;
        receiver.start();
        application app;
        exporter e(quick_options(receiver, {.merge = merge}));
        const auto handle = e.open_context("run", "handle");
        const std::vector<double> doubles{1.0, std::numeric_limits<double>::quiet_NaN(), -2.5};
        const std::array<float, 3> floats{0.5f, 1.0f, -0.25f};
        const std::vector<std::int64_t> whole{std::numeric_limits<std::int64_t>::min(), 0, 7};
        const std::optional<int> none;
        const std::optional<std::string> some("some text");
        const auto push = [&](const auto& to) {
            app.count(
                to("real"_key = 1.0,
                   "maybe"_key = std::optional(2.0),
                   "none"_key = none,
                   "some"_key = some,
                   "doubles"_key = std::span(doubles),
                   "floats"_key = floats,
                   "whole"_key = whole,
                   "empty"_key = std::span<const double>(),
                   "most"_key = std::numeric_limits<std::uint64_t>::max(),
                   "model"_key = object(
                       "name"_key = "gbm",
                       "parts"_key = array(1, "b", none, doubles, object()),
                       "raw"_key = json(R"({"k": [1, 2.0]})")),
                   "json"_key = json(" [null, {\"MONA_x\": 1}] ")),
                11);
        };
        push([&](auto&&... fields) {
            return handle.push(std::forward<decltype(fields)>(fields)...);
        });
        push([&](auto&&... fields) {
            return e.push("run"_class("with id"), std::forward<decltype(fields)>(fields)...);
        });
        CHECK(e.flush(patience(5s)).is_clean());
        e.close(patience(1s));

        check_ledger(app, e.stats(), receiver);
        for (const auto& id : {"handle"s, "with id"s}) {
            CHECK(arrived(receiver, id, "real") == received_value(1.0));
            CHECK(arrived(receiver, id, "maybe") == received_value(2.0));
            CHECK(arrived(receiver, id, "none") == received_value(nullptr));
            CHECK(arrived(receiver, id, "some") == received_value("some text"s));
            CHECK(arrived(receiver, id, "doubles") == nested("[1.0, nan, -2.5]"));
            CHECK(arrived(receiver, id, "floats") == nested("[0.5, 1.0, -0.25]"));
            CHECK(arrived(receiver, id, "whole") == nested("[-9223372036854775808, 0, 7]"));
            CHECK(arrived(receiver, id, "empty") == nested("[]"));
            CHECK(
                arrived(receiver, id, "most") ==
                received_value(std::numeric_limits<std::uint64_t>::max()));
            CHECK(
                arrived(receiver, id, "model") ==
                nested("{\"name\": \"gbm\", \"parts\": [1, \"b\", null, [1.0, nan, -2.5], {}], "
                       "\"raw\": {\"k\": [1, 2.0]}}"));
            CHECK(arrived(receiver, id, "json") == nested("[null, {\"MONA_x\": 1}]"));
        }
    }
}

TEST_CASE("a json() that is no JSON loses its field, not its record, and nothing else") {
    log_book log;
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::overwrite});
    options.log = log.writer();
    exporter e(std::move(options));
    for (int i = 0; i < 3; ++i) {
        app.count(
            e.push("run"_class("a"), "before"_key = "x", "bad"_key = json("{"), "after"_key = "y"),
            3);
    }
    app.count(e.push("run"_class("a"), "bad"_key = json("")));
    app.count(e.push("run"_class("b"), "kept"_key = json("1")));
    app.count(e.push("run"_class("b"), "kept"_key = json("nonsense")));
    CHECK(e.flush(patience(5s)).is_clean());
    auto stats = e.stats();
    CHECK(stats.bad_json_fields == 5);
    CHECK(stats.destinations[0].filtered[reason::empty] == 2);
    check_ledger(app, stats, receiver);
    CHECK(arrived(receiver, "a", "before") == received_value("x"s));
    CHECK(arrived(receiver, "a", "after") == received_value("y"s));
    CHECK(arrived(receiver, "a", "bad") == received_value("not there"s));
    CHECK(arrived(receiver, "b", "kept") == received_value(std::uint64_t{1}));

    // Inside another value it is no field of the record's own.
    app.count(e.push(
        "run"_class("c"),
        "o"_key = object("x"_key = 1, "bad"_key = json("["), "y"_key = array(json("]"), 2))));
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    CHECK(e.stats().bad_json_fields == 7);
    CHECK(arrived(receiver, "c", "o") == nested("{\"x\": 1, \"y\": [null, 2]}"));
    CHECK(log.count("json: ") == 1);
}

TEST_CASE("D-4.1 many numbers fill a record up to its limit; more are rejected(oversize)") {
    forward_receiver receiver;
    receiver.start();
    application app;
    auto options = quick_options(receiver, {.merge = merge_mode::off});
    options.batch.max_bytes = 8192;
    exporter e(std::move(options));
    std::size_t most = 0;
    for (std::size_t n = 0; n < 1000; n += n < 40 ? 1 : 13) {
        const std::vector<float> numbers(n, 0.5f);
        if (app.count(e.push("run"_class(n), "n"_key = numbers))) {
            most = n;
        }
    }
    CHECK_FALSE(app.count(e.push("run"_class("x"), "n"_key = std::vector<double>(70'000))));
    CHECK(most > 700);
    CHECK(most <= 760);
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    CHECK(e.stats().rejected[reason::oversize] == app.refused());
    check_ledger(app, e.stats(), receiver);
    CHECK(arrived(receiver, "3", "n") == nested("[0.5, 0.5, 0.5]"));
    for (const auto& m : receiver.messages()) {
        CHECK(m.entries_bytes <= 8192);
    }
}

TEST_CASE("ids as text, numbers and uuids, of classes known early and late, are the same runs") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    constexpr uuid id{
        0x3f,
        0x2b,
        0x8c,
        0x1e,
        0x77,
        0xaa,
        0x4a,
        0x0c,
        0x9d,
        0x53,
        0x0e,
        0x5a,
        0x6c,
        0x1b,
        0x2d,
        0x4f};
    constexpr auto text = "3f2b8c1e-77aa-4a0c-9d53-0e5a6c1b2d4f"sv;
    const class_name late("fill");
    constexpr auto early = "fill"_class;
    const auto when = std::chrono::system_clock::time_point(1'600'000'000s);
    record fields;
    fields.add(key("r"), 1).add(key("none"), std::optional<double>());
    app.count(e.push(early(text).at(when), "a"_key = 1));
    app.count(e.push(late(id).at(when), "b"_key = "text"));
    app.count(e.push(early(id).at(when), "c"_key = 3, "d"_key = text), 2);
    app.count(e.push(late(text).at(when), fields), 2);
    app.count(e.push_json(late(id).at(when), "{\"j\": 1}"));
    app.count(e.push(late(-12), "a"_key = "text", "b"_key = "more"), 2);
    app.count(e.push(early("-12"), "c"_key = std::string(2000, 'x')));
    app.count(e.push(late(text), "long"_key = std::string(2000, 'y')));
    const class_name too_long(std::string(256, 'c'));
    CHECK_FALSE(app.count(e.push(too_long("x"), "a"_key = 1)));
    CHECK_FALSE(app.count(e.push(too_long("x"), "a"_key = std::string(2000, 'x'))));
    CHECK_FALSE(app.count(e.push(too_long("x"), fields)));
    CHECK_FALSE(app.count(e.push_json(too_long("x"), "{}")));
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));

    const auto stats = e.stats();
    CHECK(stats.rejected[reason::oversize] == 4);
    check_ledger(app, stats, receiver);
    CHECK(stats.class_messages == 2);
    std::size_t events = 0;
    for (const auto& event : receiver.events()) {
        if (event.class_name) {
            CHECK(*event.class_name == "fill");
        } else {
            CHECK((event.context == text || event.context == "-12"));
            ++events;
        }
    }
    CHECK(events <= 4); // merged, whatever the id was written as
    CHECK(arrived(receiver, std::string(text), "none") == received_value(nullptr));
}

TEST_CASE("a sub-context has the id of its parent, a dot and its own") {
    forward_receiver receiver;
    receiver.start();
    application app;
    exporter e(quick_options(receiver));
    auto whole = e.open_context("run", "42");
    auto part = whole.sub("step", "part");
    const auto deeper = part.sub("1");
    const auto broken = whole.sub("\xff");
    const auto longest = whole.sub(std::string(1021, 'i'));
    const auto too_long = whole.sub(std::string(1022, 'i'));
    CHECK(part.id() == "42.step");
    CHECK(deeper.id() == "42.step.1");
    CHECK(broken.id() == "42.\xef\xbf\xbd");
    app.count(whole.push("a"_key = 1));
    app.count(part.push("a"_key = 1));
    app.count(deeper.push("a"_key = 1));
    app.count(broken.push("a"_key = 1));
    app.count(longest.push("a"_key = 1));
    CHECK_FALSE(app.count(too_long.push("a"_key = 1)));
    CHECK_FALSE(app.count(too_long.sub("x").push("a"_key = 1)));
    CHECK_FALSE(app.count(too_long.push_json("{}")));
    whole.close();
    app.count(part.push("b"_key = 1)); // lives on
    CHECK(e.flush(patience(5s)).is_clean());
    e.close(patience(1s));
    check_ledger(app, e.stats(), receiver);
    std::vector<std::string> classes;
    for (const auto& event : receiver.events()) {
        if (event.class_name) {
            classes.push_back(event.context + ' ' + *event.class_name);
        }
    }
    CHECK(classes == std::vector{"42 run"s, "42.step part"s});
}
}
