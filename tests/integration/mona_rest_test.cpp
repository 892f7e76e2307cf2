// Mona's REST destination against a server on loopback: what is sent, and what an answer means
// (mona-rest.md; delivery.md sections 4 to 7).

#include "pipeline/rest_access.hpp"
#include "support/rest_receiver.hpp"
#include "support/three_counts.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

constexpr auto fill = "fill"_class;

exporter_options options_for(const rest_receiver& receiver, mona_rest_options rest = {}) {
    exporter_options options;
    rest.auth = mona_auth_mode::none;
    rest.user_id = "u1";
    rest.host = receiver.host();
    rest.use_tls = false;
    options.mona = std::move(rest);
    options.queue.capacity = 4096;
    options.batch.max_delay = 1h; // a batch is what a flush seals
    options.response_timeout = 1s;
    options.log = [](const log_line&) {};
    return options;
}

const destination_stats& only(const exporter_stats& stats) {
    REQUIRE(stats.destinations.size() == 1);
    return stats.destinations[0];
}

} // namespace

TEST_SUITE("integration/mona_rest") {
TEST_CASE("records become messages of one request, merged, with what their targets say") {
    rest_receiver receiver;
    application app;
    exporter e(options_for(receiver));
    auto loan = e.open_context("loan", "42");
    const std::chrono::system_clock::time_point when(1'600'000'000s);

    app.count(e.push(fill("1"), "price"_key = 101.25, "size"_key = 300), 2);
    app.count(e.push(fill("1"), "venue"_key = "x"), 1);
    app.count(e.push(fill("2").as(action::add).at(when), "price"_key = 1), 1);
    app.count(e.push(fill("").at(when + 5ms), "price"_key = 2), 1);
    app.count(loan.push("age"_key = 33, "no"_key = nullptr), 2);
    app.count(e.push_json(fill("3"), R"({"big":18446744073709551615,"MONA_x":1,"o":{"k":[]}})"), 2);
    CHECK(e.flush(patience(5s)).is_clean());

    const auto requests = receiver.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].path == "/monaExport");
    CHECK(requests[0].content_type == "application/json");
    CHECK(requests[0].authorization == "");
    CHECK(
        requests[0].body ==
        R"({"userId":"u1","messages":[)"
        R"({"arcClass":"fill","contextId":"1","message":{"price":101.25,"size":300,"venue":"x"}},)"
        R"({"arcClass":"fill","contextId":"2","exportTimestamp":1600000000,"action":"ADD",)"
        R"("message":{"price":1}},)"
        R"({"arcClass":"fill","exportTimestamp":1600000000005,"message":{"price":2}},)"
        R"({"arcClass":"loan","contextId":"42","message":{"age":33,"no":null}},)"
        R"({"arcClass":"fill","contextId":"3","message":{"big":18446744073709551615,"o":{"k":[]}}}]})");
    const auto stats = e.stats();
    CHECK(only(stats).delivered == 6);
    CHECK(only(stats).name == "mona_rest");
    CHECK(stats.merged == 1);
    CHECK(stats.stripped_fields == 1);
    CHECK(receiver.fields_taken() == app.fields());
}

TEST_CASE("one connection does for requests that follow one another") {
    rest_receiver receiver;
    application app;
    exporter e(options_for(receiver));

    for (int i = 0; i < 5; ++i) {
        app.count(e.push(fill(i), "a"_key = i));
        CHECK(e.flush(patience(5s)).is_clean());
    }

    CHECK(receiver.requests().size() == 5);
    CHECK(receiver.requests()[4].connection == 1);
    CHECK(only(e.stats()).connections == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("F16 of a partial failure only the listed messages are dead, and nothing is sent again") {
    rest_receiver receiver([](const rest_request&) {
        return rest_receiver::reply(
            400,
            R"({"failed":1,"failure_reasons":{"1":{"contextId":"1","reason":"illegal class"}}})");
    });
    log_book log;
    application app;
    auto options = options_for(receiver, {.merge = merge_mode::off});
    options.log = log.writer();
    exporter e(options);

    for (int i = 0; i < 3; ++i) {
        app.count(e.push(fill(i), "a"_key = i));
    }
    const auto flushed = e.flush(patience(5s));

    CHECK(flushed.delivered == 2);
    CHECK(flushed.dead == 1);
    CHECK(e.flush(100ms).pending == 0);
    CHECK(receiver.requests().size() == 1);
    const auto stats = e.stats();
    CHECK(only(stats).dead[reason::rejected] == 1);
    CHECK(
        log.count(
            "1 of 3 messages refused: [1] {\"contextId\":\"1\",\"reason\":\"illegal class\"}") ==
        1);
    check_rest_ledger(app, stats, receiver);
}

TEST_CASE("16.5 the records that were merged into a refused message are dead together") {
    rest_receiver receiver([](const rest_request&) {
        return rest_receiver::reply(400, R"({"failed":1,"failure_reasons":{"0":"no"}})");
    });
    application app;
    exporter e(options_for(receiver));

    app.count(e.push(fill(1), "a"_key = 1));
    app.count(e.push(fill(1), "b"_key = 1));
    app.count(e.push(fill(2), "c"_key = 1));
    const auto flushed = e.flush(patience(5s));

    CHECK(flushed.dead == 2);
    CHECK(flushed.delivered == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("a top-level error is the end of all messages, at once") {
    rest_receiver receiver([](const rest_request&) {
        return rest_receiver::reply(400, R"({"topLevelError":"unknown user"})");
    });
    application app;
    exporter e(options_for(receiver));

    app.count(e.push(fill(1), "a"_key = 1));
    app.count(e.push(fill(2), "a"_key = 1));

    CHECK(e.flush(patience(5s)).dead == 2);
    CHECK(receiver.requests().size() == 1);
    CHECK(only(e.stats()).last_error.find("unknown user") != std::string::npos);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-7.2 another 400 is searched for the message that is at fault") {
    rest_receiver receiver([](const rest_request& request) {
        const bool is_bad = request.body.find("\"bad\"") != std::string::npos;
        return rest_receiver::reply(is_bad ? 400 : 200, "what?");
    });
    application app;
    exporter e(options_for(receiver));

    for (int i = 0; i < 8; ++i) {
        app.count(e.push(fill(i == 5 ? std::string("bad") : std::to_string(i)), "a"_key = i));
    }
    const auto flushed = e.flush(patience(10s));

    CHECK(flushed.delivered == 7);
    CHECK(flushed.dead == 1);
    CHECK(receiver.requests().size() <= 7); // 2 log2(8) + 1
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("503 with Retry-After is tried again, not earlier than asked") {
    std::atomic<bool> is_away{true};
    rest_receiver receiver([&](const rest_request&) -> std::optional<rest_receiver::answer> {
        return is_away.exchange(false)
                   ? std::optional(rest_receiver::reply(503, "later", {{"Retry-After", "2"}}))
                   : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver));

    const auto begin = steady::now();
    app.count(e.push(fill(1), "a"_key = 1));
    CHECK(e.flush(patience(20s)).is_clean());

    CHECK(since(begin) >= 2s);
    CHECK(receiver.requests().size() == 2);
    CHECK(receiver.requests()[0].body == receiver.requests()[1].body);
    CHECK(only(e.stats()).retries == 1);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE(
    "D-2.3 after a lost answer what overwrites goes again, and what adds is dead if so wished") {
    struct row {
        action what;
        uncertain_mode on_uncertain;
        bool is_sent_again;
    };
    const row rows[] = {
        {action::overwrite, uncertain_mode::dead, true},
        {action::add, uncertain_mode::resend, true},
        {action::add, uncertain_mode::dead, false},
        {action::fresh, uncertain_mode::dead, false},
    };
    for (const auto& [what, on_uncertain, is_sent_again] : rows) {
        CAPTURE(static_cast<int>(what));
        rest_receiver receiver([](const rest_request& r) -> std::optional<rest_receiver::answer> {
            return r.number == 1 ? std::optional(rest_receiver::silence()) : std::nullopt;
        });
        application app;
        exporter e(options_for(receiver, {.on_uncertain = on_uncertain}));

        app.count(e.push(fill(1).as(what), "a"_key = 1));
        const auto flushed = e.flush(patience(20s));

        CHECK(flushed.delivered == (is_sent_again ? 1 : 0));
        CHECK(flushed.dead == (is_sent_again ? 0 : 1));
        CHECK(receiver.requests().size() == (is_sent_again ? 2 : 1));
        CHECK(only(e.stats()).dead[reason::uncertain] == (is_sent_again ? 0 : 1));
        check_rest_ledger(
            app, e.stats(), receiver, {.fields_per_record = 1, .answers_were_lost = true});
    }
}

TEST_CASE("F19 a redirect is never followed: the other place sees no byte, the data is kept") {
    rest_receiver decoy;
    for (const int status : {301, 302, 307, 308}) {
        CAPTURE(status);
        rest_receiver receiver([&](const rest_request&) {
            return rest_receiver::reply(status, "", {{"Location", decoy.url("/elsewhere")}});
        });
        log_book log;
        application app;
        auto options = options_for(receiver);
        options.log = log.writer();
        exporter e(options);

        app.count(e.push(fill(1), "a"_key = 1));
        CHECK(e.flush(50ms).pending == 1);
        CHECK(wait_until([&] { return log.count("it is not followed") == 1; }, patience(5s)));
        std::this_thread::sleep_for(200ms);

        CHECK(receiver.requests().size() == 1);
        CHECK(decoy.requests().empty());
        e.close(0ms);
        const auto stats = e.stats();
        CHECK(only(stats).dropped[reason::shutdown] == 1);
        check_rest_ledger(app, stats, receiver);
    }
}

TEST_CASE("section 10: what a server refuses packed goes plain, and so does all that follows") {
    for (const int status : {400, 415}) {
        CAPTURE(status);
        rest_receiver receiver([&](const rest_request& r) -> std::optional<rest_receiver::answer> {
            return r.was_gzip ? std::optional(rest_receiver::reply(status, "what?")) : std::nullopt;
        });
        log_book log;
        application app;
        auto options = options_for(receiver, {.gzip = true});
        options.log = log.writer();
        exporter e(options);
        const std::string text(3000, 'x');

        for (int i = 0; i < 3; ++i) {
            app.count(e.push(fill(i), "a"_key = text));
            CHECK(e.flush(patience(10s)).is_clean());
        }

        const auto requests = receiver.requests();
        REQUIRE(requests.size() == 4);
        CHECK(requests[0].was_gzip);
        CHECK_FALSE(requests[1].was_gzip);
        CHECK(requests[0].body == requests[1].body);
        CHECK_FALSE(requests[3].was_gzip);
        CHECK(log.count("does not take gzip") == 1);
        check_rest_ledger(app, e.stats(), receiver);
    }
}

TEST_CASE("gzip is off unless asked for, and then taken where a server takes it") {
    rest_receiver receiver;
    application app;
    const std::string text(3000, 'x');
    for (const bool gzip : {false, true}) {
        exporter e(options_for(receiver, {.gzip = gzip}));
        app.count(e.push(fill(1), "a"_key = text));
        app.count(e.push(fill(2), "a"_key = text));
        CHECK(e.flush(patience(5s)).is_clean());
        CHECK(receiver.requests().back().was_gzip == gzip);
        CHECK((only(e.stats()).wire_bytes < 3000) == gzip);
    }
    CHECK(receiver.fields_taken() == app.accepted());
}

TEST_CASE("an unreachable server loses nothing, and gets it when it is there") {
    std::uint16_t port = 0;
    {
        rest_receiver gone;
        port = gone.port();
    }
    rest_receiver receiver;
    application app;
    auto options = options_for(receiver);
    std::get<mona_rest_options>(options.mona).host = fmt::format("127.0.0.1:{}", port);
    exporter e(options);

    app.count(e.push(fill(1), "a"_key = 1));

    CHECK(e.flush(50ms).pending == 1);
    const auto says_why = [&] {
        return e.stats().destinations[0].last_error.find("connect 127.0.0.1:") != std::string::npos;
    };
    CHECK(wait_until(says_why, patience(5s)));
    e.close(0ms);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("D-4.8 sampling keeps or leaves out whole contexts, by class, and counts them") {
    rest_receiver receiver;
    application app;
    exporter e(options_for(receiver, {.sampling = {{"fill", 0.5}, {"loan", 0}}}));
    auto kept = e.open_context("fill", "a");     // 0.336
    auto left_out = e.open_context("fill", "b"); // 0.842

    for (int i = 0; i < 3; ++i) {
        app.count(kept.push("x"_key = i));
        app.count(left_out.push("x"_key = i));
        app.count(e.push(fill("ctx-3"), "x"_key = i));
        app.count(e.push(fill("ctx-2"), "x"_key = i));
        app.count(e.push("loan"_class("a"), "x"_key = i));
        app.count(e.push("other"_class("b"), "x"_key = i));
    }
    CHECK(e.flush(patience(5s)).is_clean());

    const auto stats = e.stats();
    CHECK(only(stats).delivered == 9);
    CHECK(only(stats).filtered[reason::sampled_out] == 9);
    CHECK(stats.fields == 18);
    check_rest_ledger(app, stats, receiver);
}

TEST_CASE("D-4.5, D-4.3 and nulls: what is left out is counted, what is then empty is filtered") {
    rest_receiver receiver;
    application app;
    exporter e(
        options_for(receiver, {.drop_nulls = true, .reserved_keys = reserved_key_mode::rename}));
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    record late;
    late.add(key("MONA_late"), 1).add(key("n"), nullptr);

    app.count(e.push(fill(1), "n"_key = nan, "a"_key = 1));
    app.count(e.push(fill(2), "n"_key = nullptr));
    app.count(e.push(fill(3), "o"_key = object("n"_key = nan, "m"_key = nullptr)));
    app.count(e.push(fill(4), late));
    app.count(e.push_json(fill(5), R"({"MONA_x":1,"b":null})"));
    CHECK(e.flush(patience(5s)).is_clean());

    const auto body = receiver.requests().at(0).body;
    CHECK(body.find(R"("message":{"a":1})") != std::string::npos);
    CHECK(body.find(R"("message":{"o":{"m":null}})") != std::string::npos);
    CHECK(body.find(R"("message":{"MY_MONA_late":1})") != std::string::npos);
    CHECK(body.find(R"("message":{"MY_MONA_x":1})") != std::string::npos);
    const auto stats = e.stats();
    CHECK(stats.not_finite_fields == 2);
    CHECK(only(stats).filtered[reason::empty] == 1);
    CHECK(stats.stripped_fields == 0);
    check_rest_ledger(app, stats, receiver);
}

TEST_CASE("a default action stands in the envelope, and is what a handle's records do") {
    rest_receiver receiver;
    application app;
    exporter e(options_for(receiver, {.default_action = action::add}));
    auto loan = e.open_context("loan", "1");

    app.count(loan.push("a"_key = 1));
    app.count(loan.push("a"_key = 2)); // not merged: both are added
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(
        receiver.requests().at(0).body ==
        R"({"userId":"u1","messages":[{"arcClass":"loan","contextId":"1","message":{"a":1}},)"
        R"({"arcClass":"loan","contextId":"1","message":{"a":2}}],"defaultAction":"ADD"})");
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("what mona_sdk can say beyond our targets goes through the internal door") {
    using namespace monarc::pipeline;
    rest_receiver receiver;
    exporter e(options_for(receiver, {.sampling = {{"half", 0.5}}}));

    set_rest_envelope(e, R"("defaultAction":"NEW")");
    set_rest_random(e, {0.4, 0.9});
    const rest_event odd{
        .class_name = "CLS",
        .members = R"("arcClass":null,"contextId":12,"exportTimestamp":"nonsense")",
        .message = R"({"a":null,"i":18446744073709551616,"n":NaN})",
        .drops_nulls = true};
    CHECK(push_rest_event(e, odd) == rest_push::accepted);
    CHECK(
        push_rest_event(e, {.class_name = "half", .message = R"({"k":1})"}) == rest_push::accepted);
    CHECK(
        push_rest_event(e, {.class_name = "half", .message = R"({"l":1})"}) == rest_push::accepted);
    CHECK(push_rest_event(e, {.message = "[1]"}) == rest_push::not_object);
    CHECK(push_rest_event(e, {.message = "{"}) == rest_push::not_json);
    CHECK(e.flush(patience(5s)).is_clean());

    CHECK(
        receiver.requests().at(0).body ==
        R"({"userId":"u1","messages":[{"arcClass":null,"contextId":12,)"
        R"("exportTimestamp":"nonsense","message":{"i":18446744073709551616}},)"
        R"({"arcClass":"half","message":{"k":1}}],"defaultAction":"NEW"})");
    const auto where = rest_sign_in(e, patience(5s));
    REQUIRE(where.has_value());
    CHECK(where->url == receiver.url("/monaExport"));
    CHECK(where->user_id == "u1");
    CHECK(only(e.stats()).filtered[reason::sampled_out] == 1);
}

TEST_CASE("a batch beyond the size of a request becomes several") {
    rest_receiver receiver;
    application app;
    auto options = options_for(receiver);
    options.batch.max_records = 3;
    exporter e(options);

    for (int i = 0; i < 8; ++i) {
        app.count(e.push(fill(i), "a"_key = i));
    }
    CHECK(e.flush(patience(10s)).is_clean());

    CHECK(receiver.requests().size() == 3);
    CHECK(receiver.requests()[0].messages == 3);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("413 halves the payload until it is taken") {
    rest_receiver receiver([](const rest_request& r) -> std::optional<rest_receiver::answer> {
        return r.messages > 2 ? std::optional(rest_receiver::reply(413, "large")) : std::nullopt;
    });
    application app;
    exporter e(options_for(receiver));

    for (int i = 0; i < 5; ++i) {
        app.count(e.push(fill(i), "a"_key = i));
    }
    CHECK(e.flush(patience(20s)).delivered == 5);
    check_rest_ledger(app, e.stats(), receiver);
}

TEST_CASE("options that cannot work are refused by name, before anything begins") {
    const auto wrong = [](mona_rest_options rest) {
        exporter_options options;
        options.mona = std::move(rest);
        try {
            exporter refused(options);
        } catch (const std::system_error& error) {
            CHECK(error.code() == errc::bad_options);
            return std::string(error.what());
        }
        return std::string("taken");
    };
    const mona_rest_options open{
        .user_id = "u", .auth = mona_auth_mode::none, .host = "h", .use_tls = false};
    auto sampled = open;
    sampled.sampling = {{"fill", 1.5}};
    auto bad_host = open;
    bad_host.host = "a%0d%0ab";

    CHECK(wrong(sampled).find("mona.sampling must be shares of 0..1, got \"fill\"=1.5") == 0);
    CHECK(wrong(bad_host).find("mona.host must be such that the address of exports is one") == 0);
    CHECK(wrong({}).find("mona.api_key must be the key of a login") == 0);
}
}
