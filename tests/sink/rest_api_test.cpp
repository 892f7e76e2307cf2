#include "compress/gzip.hpp"
#include "sink/rest_api.hpp"

#include <doctest/doctest.h>
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace monarc;
using sink::rest_violation;
using ending = sink::http_answer::ending;

namespace {

constexpr std::int64_t now = 1'795'293'815'967;
constexpr std::string_view login = "/identity/resources/auth/v1/api-token";

class api {
public:
    explicit api(sink::rest_options options = {}) : served_(keeping(std::move(options))) {}

    sink::http_answer
    ask(const std::string& path,
        const std::string& body,
        sink::http_fields fields = {},
        std::int64_t at = now) {
        sink::http_request request;
        request.method = "POST";
        request.path = path;
        request.fields = std::move(fields);
        if (!sink::has_field(request.fields, "Content-Type"))
            request.fields.emplace_back("Content-Type", "application/json");
        request.body = body;
        return served_.serve(request, at);
    }
    sink::http_response
    open(const std::string& body, sink::http_fields fields = {}) { // the door without a token
        return ask("/monaExport", body, std::move(fields)).response;
    }
    int with_token(const std::string& token, std::int64_t at = now) {
        return ask("/export", one, {{"Authorization", "Bearer " + token}}, at).response.status;
    }
    sink::rest_summary seen() const { return served_.snapshot(); }

    static constexpr const char* one =
        R"({"userId":"u","messages":[{"arcClass":"C","contextId":"c","message":{"a":1}}]})";

    std::vector<std::string> kept;
    std::vector<bool> repeats;
    std::error_code keep_error;

private:
    sink::rest_options keeping(sink::rest_options options) {
        options.keep = [this](std::string_view, auto records, bool is_repeat) {
            if (!keep_error)
                kept.insert(kept.end(), records.begin(), records.end());
            repeats.push_back(is_repeat);
            return keep_error;
        };
        return options;
    }

    sink::rest_api served_;
};

std::string message(const std::string& members) {
    return R"({"userId":"u","messages":[{)" + members + "}]}";
}

std::string text_of(const std::string& json, std::string_view member) {
    simdjson::dom::parser parser;
    std::string_view text;
    REQUIRE(parser.parse(json)[member].get_string().get(text) == simdjson::SUCCESS);
    return std::string(text);
}

} // namespace

TEST_SUITE("sink/rest_api") {
TEST_CASE("a message is kept with the user beside its members") {
    api mona;

    const auto answer = mona.open(message(
        R"("message":{"a":1,"b":18446744073709551616,"c":1e400},"contextId":"x","arcClass":"C")"));

    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"total":1,"sent":1,"failed":0})");
    REQUIRE(mona.kept.size() == 1);
    CHECK(
        mona.kept[0] == R"({"userId":"u","message":{"a":1,"b":"18446744073709551616","c":"1e400"},)"
                        R"("contextId":"x","arcClass":"C"})");
    CHECK(mona.seen().violations == 0);
}

TEST_CASE("refused messages are listed by their place, and the others are kept") {
    api mona;

    const auto answer = mona.open(R"({"userId":"u","messages":[
        {"arcClass":"C","message":{"a":1}},
        {"arcClass":"C.","contextId":"x","message":{"a":1}},
        {"arcClass":"C","contextId":"a.b","message":{"a":1}},
        {"arcClass":"C","contextId":12,"message":{"a":1}},
        {"arcClass":"C","exportTimestamp":16000000000,"message":{"a":1}},
        {"arcClass":"C","message":{}},
        {"arcClass":"C","message":[1]},
        {"message":{"a":1}},
        5,
        {"arcClass":"C.D","contextId":"a.b","exportTimestamp":1600000000123,"message":{"a":1}},
        {"arcClass":"C","exportTimestamp":"2024-05-02T10:00:00Z","message":{"a":1}}]})");

    CHECK(answer.status == 400);
    CHECK(mona.kept.size() == 3);
    CHECK(answer.body.starts_with(
        R"({"total":11,"failed":8,"failure_reasons":{"1":{"contextId":"x","reason":")"
        R"(the class ends with a dot"},"2":{)"));
    CHECK(answer.body.find(R"("3":{"contextId":12,)") != std::string::npos);
    CHECK(mona.seen().accepted == 3);
    CHECK(mona.seen().refused == 8);
}

TEST_CASE("what is no request of the interface is refused as a whole") {
    for (const char* const body :
         {"",
          "{",
          "[]x",
          "5",
          R"({"messages":[]})",
          R"({"userId":"u"})",
          R"({"userId":"u","messages":[{"arcClass":"C","message":{"a":NaN}}]})"}) {
        CAPTURE(body);
        api mona;
        const auto answer = mona.open(body);
        CHECK(answer.status == 400);
        CHECK(answer.body.starts_with(R"({"topLevelError":")"));
        CHECK(mona.kept.empty());
    }
}

TEST_CASE("an array of envelopes is taken at the door without authentication only") {
    api mona;
    const std::string two = "[" + std::string(api::one) + "," + api::one + "]";

    CHECK(mona.open(two).status == 200);
    CHECK(mona.kept.size() == 2);
    CHECK(mona.ask("/export", two, {{"Authorization", "Bearer t"}}).response.status == 400);
    CHECK(mona.kept.size() == 2);
}

TEST_CASE("a token of the service is good until it has ended, and others as the options say") {
    api mona({.tokens = {.tenant = "t1", .life = std::chrono::seconds(60)}});
    const auto made = mona.ask(std::string(login), R"({"clientId":"k","secret":"s"})").response;
    REQUIRE(made.status == 200);
    const auto token = text_of(made.body, "accessToken");

    CHECK(mona.with_token(token) == 200);
    CHECK(mona.with_token(token, now + 60'000) == 401);
    CHECK(mona.with_token("another") == 200);
    CHECK(mona.with_token("") == 401);
    CHECK(mona.ask("/export", api::one).response.status == 401);
    CHECK(made.body.find(R"("expiresIn":60)") != std::string::npos);
    // {"tenantId":"t1","jti":"
    CHECK(token.find(".eyJ0ZW5hbnRJZCI6InQxIiwianRpIjoi") != token.npos);

    api strict({.token = "only"});
    CHECK(strict.with_token("only") == 200);
    CHECK(strict.with_token("another") == 401);

    api secretive({.tokens = {.secret = "s"}});
    CHECK(secretive.with_token("another") == 401);
}

TEST_CASE("who has seen tokens of the service cannot make up others") {
    api first({.tokens = {.secret = "s"}});
    api second({.tokens = {.secret = "s"}});
    const auto log_in = R"({"clientId":"k","secret":"s"})";
    const auto one = first.ask(std::string(login), log_in).response;
    const auto same = second.ask(std::string(login), log_in).response;

    CHECK(text_of(one.body, "accessToken") != text_of(same.body, "accessToken"));
    CHECK(text_of(one.body, "refreshToken") != text_of(same.body, "refreshToken"));
    CHECK(second.with_token(text_of(one.body, "accessToken")) == 401);
}

TEST_CASE("D-13.2 the end points without a token can be closed") {
    api mona({.token = "t", .has_open_doors = false});

    CHECK(mona.open(api::one).status == 403);
    CHECK(mona.with_token("t") == 200);
    CHECK(mona.kept.size() == 1);
}

TEST_CASE("a refresh token is good once, and a secret can be demanded") {
    api mona({.tokens = {.secret = "s"}});
    const std::string refresh = std::string(login) + "/token/refresh";

    CHECK(mona.ask(std::string(login), R"({"clientId":"k","secret":"x"})").response.status == 401);
    CHECK(mona.ask(std::string(login), R"({"clientId":"k"})").response.status == 400);
    const auto made = mona.ask(std::string(login), R"({"clientId":"k","secret":"s"})").response;
    const auto body = R"({"refreshToken":")" + text_of(made.body, "refreshToken") + "\"}";
    const auto again = mona.ask(refresh, body).response;
    CHECK(again.status == 200);
    CHECK(text_of(again.body, "accessToken") != text_of(made.body, "accessToken"));
    CHECK(mona.ask(refresh, body).response.status == 401);
    CHECK(mona.seen().tokens.logins == 1);
    CHECK(mona.seen().tokens.refreshes == 1);
    CHECK(mona.seen().tokens.refused == 3);
}

TEST_CASE("OpenID Connect logs in by a form") {
    api mona({.tokens = {.secret = "s x"}});
    const sink::http_fields form{{"Content-Type", "application/x-www-form-urlencoded"}};
    const std::string good = "client_id=k&client_secret=s+x&grant_type=client_credentials";

    const auto made = mona.ask("/oauth/token", good, form).response;
    REQUIRE(made.status == 200);
    CHECK(mona.with_token(text_of(made.body, "access_token")) == 200);
    CHECK(mona.ask("/oauth/token", good + "x", form).response.status == 400);
    CHECK(
        mona.ask("/oauth/token", "client_id=k&grant_type=client_credentials", form)
            .response.status == 401);
}

TEST_CASE("gzip is inflated if it is asked for, and else refused without a failure report") {
    const auto packed = *compress::gzip(compress::codec::zlib, api::one);
    const sink::http_fields gzip{{"Content-Encoding", "gzip"}};

    api plain;
    CHECK(plain.open(packed, gzip).status == 415);
    CHECK(plain.kept.empty());
    api both({.takes_gzip = true});
    CHECK(both.open(packed, gzip).status == 200);
    CHECK(both.open(api::one).status == 200);
    CHECK(both.open("no gzip", gzip).status == 400);
    CHECK(both.open(packed, {{"Content-Encoding", "br"}}).status == 415);
    CHECK(both.seen().inflated == 1);
    CHECK(both.kept.size() == 2);
}

TEST_CASE("what the contract forbids is taken and told by its reason") {
    const auto violated =
        [](rest_violation what, const std::string& body, sink::http_fields fields = {}) {
            CAPTURE(body);
            api mona;
            CHECK(mona.open(body, std::move(fields)).status == 200);
            CHECK(mona.seen().violations == 1);
            CHECK(mona.seen().violated(what) == 1);
        };
    const auto with = [](const std::string& members) {
        return message(R"("arcClass":"C","message":{"a":1},)" + members);
    };
    violated(rest_violation::content_type, api::one, {{"Content-Type", "text/json"}});
    violated(rest_violation::needless_token, api::one, {{"Authorization", "Bearer t"}});
    violated(rest_violation::empty_request, R"({"userId":"u","messages":[]})");
    violated(rest_violation::unknown_member, with(R"("x":1)"));
    violated(
        rest_violation::unknown_member,
        R"({"userId":"u","x":1,"messages":[{"arcClass":"C","message":{"a":1}}]})");
    violated(rest_violation::repeated_member, with(R"("contextId":"c","contextId":"d")"));
    violated(
        rest_violation::two_timestamps,
        with(R"("exportTimestamp":1600000000,"sendTimestamp":1600000000)"));
    violated(rest_violation::unknown_action, with(R"("action":"add")"));
    violated(rest_violation::reserved_name, message(R"("arcClass":"C","message":{"MONA_x":1})"));
    violated(rest_violation::field_name, message(R"("arcClass":"C","message":{"a b":1})"));
    violated(rest_violation::field_name, message(R"("arcClass":"C","message":{"12":1})"));
    violated(rest_violation::class_name, message(R"("arcClass":"C.D E","message":{"a":1})"));
    std::string many = R"({"userId":"u","messages":[)";
    for (int i = 0; i < 1001; ++i)
        many += std::string(i == 0 ? "" : ",") + R"({"arcClass":"C","message":{"a":1}})";
    violated(rest_violation::large_request, many + "]}");
}

TEST_CASE("nulls, a default action and a good action are no violations") {
    api mona;
    CHECK(
        mona.open(R"({"userId":"u","defaultAction":"NEW","sampleConfigName":null,"messages":[
        {"arcClass":"C.d","contextId":null,"action":"ADD","exportTimestamp":null,
         "sendTimestamp":"1600000000","sampleConfigName":"n","message":{"a":null,"B-c_@1":2}}]})")
            .status == 200);
    CHECK(mona.seen().violations == 0);
}

TEST_CASE("it misbehaves in the order that it was told, then no more") {
    api mona({.reactions = *sink::read_rest_reactions("503,partial,lost,stall,ok")});

    CHECK(mona.ask("/monaExport", api::one).response.status == 503);
    CHECK(mona.kept.empty());
    CHECK(mona.ask("/monaExport", api::one).response.status == 400);
    CHECK(mona.kept.empty());
    const auto lost = mona.ask("/monaExport", api::one);
    CHECK((lost.is_silent && lost.then == ending::close));
    CHECK(mona.kept.size() == 1);
    const auto stalled = mona.ask("/monaExport", api::one);
    CHECK((stalled.is_silent && stalled.then == ending::stall));
    CHECK(mona.ask("/monaExport", api::one).response.status == 200);
    CHECK(mona.ask("/monaExport", api::one).response.status == 200);
    // Bytes whose answer was lost are a repeat when they come again, and only once.
    CHECK(mona.repeats == std::vector<bool>{false, false, true, true, false});
}

TEST_CASE("what cannot be kept is answered so that it comes again") {
    api mona;
    mona.keep_error = std::make_error_code(std::errc::no_space_on_device);

    CHECK(mona.open(api::one).status == 503);
    CHECK(mona.seen().accepted == 0);
    CHECK(mona.seen().not_kept == 1);
}

TEST_CASE("bytes whose answer was lost are a repeat also when they could not be kept in between") {
    api mona({.reactions = {{.what = sink::rest_reaction::kind::lost}}});
    CHECK(mona.ask("/monaExport", api::one).is_silent);
    mona.keep_error = std::make_error_code(std::errc::no_space_on_device);
    CHECK(mona.open(api::one).status == 503);
    mona.keep_error = {};

    CHECK(mona.open(api::one).status == 200);
    CHECK(mona.repeats == std::vector<bool>{false, true, true});
}

TEST_CASE("other paths and methods are not offered") {
    api mona;
    CHECK(mona.ask("/configs", "{}").response.status == 404);
    CHECK(mona.ask("/export/", api::one).response.status == 404);
    sink::rest_api served{sink::rest_options()};
    sink::http_request get;
    get.method = "GET";
    get.path = "/export";
    CHECK(served.serve(get, now).response.status == 405);
    sink::http_request chunked;
    chunked.method = "POST";
    chunked.path = "/monaExport";
    chunked.is_chunked = true;
    CHECK(served.serve(chunked, now).response.status == 411);
}

TEST_CASE("lists of reactions that nobody can mean are refused") {
    for (const char* const list : {"", "ok,", ",ok", "99", "600", "503 ", "lose", "5030", "-50"}) {
        CAPTURE(list);
        CHECK_FALSE(sink::read_rest_reactions(list));
    }
}
}
