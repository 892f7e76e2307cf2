#include "compress/inflate.hpp"
#include "core/names.hpp"
#include "destinations/mona_rest_wire.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::destinations;
using namespace std::chrono_literals;

namespace {

rest_entry entry(std::string_view id, std::string_view value = "1") {
    rest_entry made;
    made.class_name = intern_key("CLS");
    made.id = id;
    made.records = 1;
    made.fields.push_back({.key = intern_key("a"), .value = std::string(value)});
    return made;
}

rest_batch batch_of(std::vector<rest_entry> entries) {
    rest_batch made;
    for (const auto& one : entries) {
        made.records += one.records;
    }
    made.entries = std::move(entries);
    return made;
}

mona_rest_wire wire_for(const mona_rest_options& options = {}) {
    return mona_rest_wire(options, 300s);
}

std::string text_of(const payload& p) {
    return p.head + p.body;
}

payload sent(std::size_t messages, bool is_gzip = false) {
    payload p;
    p.entry_records.assign(messages, 1);
    p.records = messages;
    p.is_gzip = is_gzip;
    return p;
}

transport::http_answer answer(unsigned status, std::string body = {}) {
    transport::http_answer made;
    made.status = status;
    made.reason = "Because";
    made.body = std::move(body);
    return made;
}

outcome
judged(unsigned status, std::string body = {}, std::size_t messages = 2, bool gzip = false) {
    auto wire = wire_for();
    return wire.judge(answer(status, std::move(body)), sent(messages, gzip), 0);
}

} // namespace

TEST_SUITE("destinations/mona_rest_wire") {
TEST_CASE("section 1: where exports go") {
    struct row {
        mona_rest_options options;
        std::string_view user;
        std::string_view url;
    };
    const row rows[] = {
        {{}, "tenant1", "https://incomingtenant1.monalabs.io/export"},
        {{.auth = mona_auth_mode::none}, "u1", "https://incomingu1.monalabs.io/monaExport"},
        {{.use_send_event = true}, "u1", "https://incomingu1.monalabs.io/sendEvent"},
        {{.auth = mona_auth_mode::none, .use_send_event = true},
         "u1",
         "https://incomingu1.monalabs.io/monaSendEvent"},
        {{.host = "127.0.0.1:99", .use_tls = false}, "u1", "http://127.0.0.1:99/export"},
        {{.use_tls = false}, "u1", "http://incomingu1.monalabs.io/export"},
        {{.url = "http://h/some/where?x=1", .host = "other"}, "u1", "http://h/some/where?x=1"},
    };

    for (const auto& [options, user, url] : rows) {
        CHECK(export_url(options, user) == url);
    }
}

TEST_CASE("sections 4 and 5: a request has what is there and nothing else") {
    auto wire = wire_for();
    auto all = entry("c1");
    all.time = 1'600'000'000;
    all.what = action::add;
    all.fields.push_back({.name = "named \"x\"", .value = "{\"b\":[null]}"});

    const auto made = wire.encode(batch_of({all, entry("")}), "u\"1", false);

    REQUIRE(made.has_value());
    CHECK(
        text_of(*made) ==
        "{\"userId\":\"u\\\"1\",\"messages\":["
        "{\"arcClass\":\"CLS\",\"contextId\":\"c1\",\"exportTimestamp\":1600000000,"
        "\"action\":\"ADD\",\"message\":{\"a\":1,\"named \\\"x\\\"\":{\"b\":[null]}}},"
        "{\"arcClass\":\"CLS\",\"message\":{\"a\":1}}]}");
    CHECK(made->records == 2);
    CHECK(made->entry_records == std::vector<std::uint32_t>{1, 1});
    CHECK(made->plain_bytes == text_of(*made).size());
    CHECK_FALSE(made->is_gzip);
}

TEST_CASE("the three actions, the newer name of the time, a default action") {
    auto wire = wire_for({.use_send_timestamp = true, .default_action = action::fresh});
    auto one = entry("c");
    one.time = 1;
    one.what = action::overwrite;
    auto other = entry("d");
    other.what = action::fresh;

    const auto made = wire.encode(batch_of({one, other}), "u", false);

    CHECK(
        text_of(*made) ==
        "{\"userId\":\"u\",\"messages\":["
        "{\"arcClass\":\"CLS\",\"contextId\":\"c\",\"sendTimestamp\":1,\"action\":\"OVERWRITE\","
        "\"message\":{\"a\":1}},"
        "{\"arcClass\":\"CLS\",\"contextId\":\"d\",\"action\":\"NEW\",\"message\":{\"a\":1}}],"
        "\"defaultAction\":\"NEW\"}");
    wire.set_envelope("\"sampleConfigName\":\"N\"");
    CHECK(text_of(*wire.encode(batch_of({one}), "u", false))
              .ends_with("],\"sampleConfigName\":\"N\"}"));
}

TEST_CASE("before the user is known a payload has no head, which is the same later") {
    auto wire = wire_for({.gzip = true});

    const auto made = wire.encode(batch_of({entry("c")}), "", true);

    CHECK(made->head.empty());
    CHECK(
        wire.head_of("u") + made->body ==
        text_of(*wire.encode(batch_of({entry("c")}), "u", false)));
}

TEST_CASE("members that were given as they are stand in the place of ours") {
    auto wire = wire_for();
    auto odd = entry("c");
    odd.members = "\"arcClass\":null,\"contextId\":12";

    CHECK(
        text_of(*wire.encode(batch_of({odd}), "u", false))
            .find("[{\"arcClass\":null,\"contextId\":12,\"message\":{\"a\":1}}]") !=
        std::string::npos);
}

TEST_CASE("D-2.3 a payload may be repeated unless it adds, and the option says not to") {
    using enum action;
    const auto of = [](uncertain_mode on_uncertain,
                       std::optional<action> what,
                       std::optional<action> by_default = {}) {
        auto wire = wire_for({.on_uncertain = on_uncertain, .default_action = by_default});
        auto one = entry("c");
        one.what = what;
        return wire.encode(batch_of({entry("d"), one}), "u", false)->is_repeatable;
    };

    CHECK(of(uncertain_mode::dead, {}));
    CHECK(of(uncertain_mode::dead, overwrite));
    CHECK_FALSE(of(uncertain_mode::dead, add));
    CHECK_FALSE(of(uncertain_mode::dead, fresh));
    CHECK_FALSE(of(uncertain_mode::dead, overwrite, add)); // the other one has none of its own
    CHECK(of(uncertain_mode::resend, add));
}

TEST_CASE("D-7.3 a payload does no harm twice if all of it overwrites rows of an id") {
    const auto of = [](std::optional<action> what, std::string id) {
        auto wire = wire_for({.on_uncertain = uncertain_mode::resend});
        auto one = entry(std::move(id));
        one.what = what;
        const auto whole = wire.encode(batch_of({entry("d"), one}), "u", true);
        CHECK(wire.split(*whole)->at(1).is_idempotent == whole->is_idempotent);
        return whole->is_idempotent;
    };

    CHECK(of({}, "c"));
    CHECK(of(action::overwrite, "c"));
    CHECK_FALSE(of(action::add, "c"));
    CHECK_FALSE(of(action::fresh, "c"));
    CHECK_FALSE(of(action::overwrite, ""));
}

TEST_CASE("D-3.6 a payload is cut between messages, plain or packed, until one is left") {
    for (const bool gzip : {false, true}) {
        CAPTURE(gzip);
        auto wire = wire_for({.default_action = action::overwrite});
        std::vector<rest_entry> entries;
        for (const auto* const id : {"one", "t{w]o", "three"}) {
            entries.push_back(entry(id, "{\"o\":[\"" + std::string(400, 'x') + "]}\\\"\"]}"));
        }
        entries[0].records = 5;
        const auto whole = wire.encode(batch_of(entries), "u", gzip);
        REQUIRE(whole.has_value());
        CHECK(whole->is_gzip == gzip);

        const auto parts = wire.split(*whole);

        REQUIRE(parts.has_value());
        const auto& [first, second] = *parts;
        const auto plain_text = [&](const payload& p) {
            return p.is_gzip ? *compress::inflate(p.body) : text_of(p);
        };
        CHECK(plain_text(first) == text_of(*wire.encode(batch_of({entries[0]}), "u", false)));
        CHECK(
            plain_text(second) ==
            text_of(*wire.encode(batch_of({entries[1], entries[2]}), "u", false)));
        CHECK(first.records == 5);
        CHECK(second.entry_records == std::vector<std::uint32_t>{1, 1});
        CHECK(wire.split(first).error() == errc::too_large);
        const auto thirds = wire.split(second);
        REQUIRE(thirds.has_value());
        CHECK(
            plain_text((*thirds)[1]) == text_of(*wire.encode(batch_of({entries[2]}), "u", false)));
    }
}

TEST_CASE("D-3.6 what is packed can be sent plain") {
    auto wire = wire_for();
    const auto batch = batch_of({entry("c", '"' + std::string(2000, 'x') + '"')});
    const auto packed = wire.encode(batch, "u", true);
    const auto small = wire.encode(batch_of({entry("c")}), "u", true);

    REQUIRE(packed->is_gzip);
    CHECK_FALSE(small->is_gzip);
    const auto plain = wire.plain(*packed);

    REQUIRE(plain.has_value());
    CHECK_FALSE(plain->is_gzip);
    CHECK(text_of(*plain) == text_of(*wire.encode(batch, "u", false)));
    CHECK(plain->records == 1);
    CHECK(plain->entry_records == packed->entry_records);
    CHECK(wire.plain(*small).error() == errc::too_large);
}

TEST_CASE("sections 5 and 7: what a status means") {
    struct row {
        unsigned status;
        verdict what;
        failure kind = failure::network;
    };
    using enum verdict;
    const row rows[] = {
        {200, delivered},
        {202, delivered},
        {207, delivered},
        {301, retry, failure::config},
        {302, retry, failure::config},
        {307, retry, failure::config},
        {308, retry, failure::config},
        {400, suspect},
        {401, retry, failure::auth},
        {403, retry, failure::config},
        {404, retry, failure::config},
        {405, retry, failure::config},
        {406, rejected},
        {407, retry, failure::config},
        {408, retry},
        {409, rejected},
        {410, rejected},
        {411, rejected},
        {413, too_large},
        {414, rejected},
        {415, rejected},
        {418, rejected},
        {422, suspect},
        {425, retry},
        {429, retry, failure::throttle},
        {431, rejected},
        {500, retry},
        {501, rejected},
        {502, retry},
        {503, retry, failure::throttle},
        {504, retry},
        {505, rejected},
        {599, retry},
    };

    for (const auto& [status, what, kind] : rows) {
        CAPTURE(status);
        const auto result = judged(status, "<html/>");
        CHECK(result.what == what);
        CHECK(result.kind == kind);
        CHECK(result.was_answered);
        CHECK(result.was_internal_error == (status == 500)); // D-7.3
        CHECK((result.why.empty()) == (status < 300));
    }
}

TEST_CASE("section 10: 400 and 415 to what is packed, and nothing else, ask for it plain") {
    for (const unsigned status : {400u, 415u}) {
        CHECK(judged(status, "{}", 2, true).what == verdict::plain);
        CHECK(judged(status, "{}", 2, false).what != verdict::plain);
    }
    CHECK(judged(422, "{}", 2, true).what == verdict::suspect);
    CHECK(judged(500, "{}", 2, true).what == verdict::retry);
    const auto report = R"({"failed":1,"failure_reasons":{"1":"x"}})";
    CHECK(judged(400, report, 2, true).what == verdict::partial);
}

TEST_CASE("F16 a report of failures names the dead; what it does not name is not sent again") {
    using places = std::vector<std::uint32_t>;
    struct row {
        std::string body;
        std::size_t messages;
        verdict what;
        places refused;
    };
    const row rows[] = {
        {R"({"failed":1,"failure_reasons":{"1":{"contextId":null,"reason":"illegal class"}}})",
         2,
         verdict::partial,
         {1}},
        {R"({"failed":2,"failure_reasons":{"2":"b","0":"a"}})", 4, verdict::partial, {0, 2}},
        {R"({"failed":2,"failure_reasons":{"0":"a","1":"b"}})", 2, verdict::rejected, {0, 1}},
        {R"({"failed":2,"failure_reasons":{"0":"a"}})", 4, verdict::partial, {0, 3}},
        {R"({"failed":1,"failure_reasons":{}})", 2, verdict::partial, {1}},
        {R"({"failed":1,"failure_reasons":{"7":"beyond","x":"none"}})", 2, verdict::partial, {1}},
        {R"({"failed":0,"failure_reasons":{"1":"a"}})", 2, verdict::suspect, {}},
        {R"({"failed":3,"failure_reasons":{"1":"a"}})", 2, verdict::suspect, {}},
        {R"({"failed":-1,"failure_reasons":{"1":"a"}})", 2, verdict::suspect, {}},
        {R"({"failed":1})", 2, verdict::suspect, {}},
        {R"({"failed":"1","failure_reasons":{"1":"a"}})", 2, verdict::suspect, {}},
        {R"([1])", 2, verdict::suspect, {}},
    };

    for (const auto& [body, messages, what, refused] : rows) {
        CAPTURE(body);
        const auto result = judged(400, body, messages);
        CHECK(result.what == what);
        CHECK(result.refused == refused);
    }
    CHECK(judged(200, R"({"failed":1,"failure_reasons":{"1":"x"}})").what == verdict::delivered);
    CHECK(judged(500, R"({"failed":1,"failure_reasons":{"1":"x"}})").what == verdict::partial);
    const auto told = judged(400, rows[0].body).why;
    CHECK(
        told == "400 Because: 1 of 2 messages refused: [1] "
                "{\"contextId\":null,\"reason\":\"illegal class\"}");
}

TEST_CASE("a top-level error refuses everything, whatever the status") {
    CHECK(judged(400, R"({"topLevelError":"unknown user"})").what == verdict::rejected);
    CHECK(judged(400, R"({"topLevelError":"unknown user"})").why == "400 Because: unknown user");
    CHECK(judged(500, R"({"topLevelError":{"a":1}})").what == verdict::rejected);
    CHECK(judged(400, R"({"topLevelError":null})").what == verdict::suspect);
}

TEST_CASE("D-6.4 Retry-After counts on 413, 429 and every 5xx, within its bounds") {
    auto wire = wire_for();
    const auto asked = [&](unsigned status, std::string value) {
        auto a = answer(status);
        a.retry_after = {std::move(value)};
        return wire.judge(a, sent(1), 0).retry_after;
    };

    CHECK(asked(503, "5") == 5s);
    CHECK(asked(429, "5") == 5s);
    CHECK(asked(413, "5") == 5s);
    CHECK(asked(400, "5") == 0s);
    CHECK(asked(503, "-1") == 0s);
    CHECK(asked(503, "9999999999") == 300s);
    CHECK(asked(503, "Thu, 01 Jan 1970 00:00:10 GMT") == 10s);
    CHECK(wire.wishes().bad() == 1);
    CHECK(wire.wishes().clamped() == 1);
}
}
