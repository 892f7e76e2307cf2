#include "destinations/monasca_wire.hpp"
#include "transport/http_date.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::destinations;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

constexpr std::int64_t now = 784'111'777; // Sun, 06 Nov 1994 08:49:37 GMT
constexpr auto now_text = "Sun, 06 Nov 1994 08:49:37 GMT"sv;
constexpr auto token_401 =
    R"({"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}})"sv;
constexpr auto role_401 =
    R"({"title":"Forbidden","description":"The request does not have access to this service"})"sv;

using definition = std::shared_ptr<series_definition>;

definition opened(
    std::vector<std::string> names,
    monasca_rules::text_pairs dimensions = {},
    series_kind kind = series_kind::gauge) {
    auto made = std::make_shared<series_definition>();
    made->names = std::move(names);
    made->dimensions = std::move(dimensions);
    made->kind = kind;
    return made;
}

measurement one(const definition& of, double value, std::uint32_t records = 1) {
    return {
        .of = of,
        .name = 0,
        .statistic = 0,
        .records = records,
        .milliseconds = 1'795'293'815'967,
        .value = value};
}

measurement_batch batch_of(std::vector<measurement> entries) {
    measurement_batch made{.entries = std::move(entries)};
    for (const auto& entry : made.entries) {
        made.records += entry.records;
    }
    return made;
}

std::string body_of(std::vector<measurement> entries) {
    return monasca_wire(1h).encode(batch_of(std::move(entries)), {}).body;
}

// Entries v0, v1, … with these counts.
payload counted(const std::vector<std::uint32_t>& records) {
    std::vector<measurement> entries;
    const auto g = opened({"n"}, {{"k", R"(}{"],[\)"}});
    double value = 0;
    for (const auto count : records) {
        entries.push_back(one(g, value++, count));
    }
    return monasca_wire(1h).encode(batch_of(entries), {});
}

transport::http_answer answer(unsigned status, std::string_view body = {}) {
    transport::http_answer made;
    made.status = status;
    made.reason = "Reason";
    made.body = body;
    return made;
}

outcome judged(const transport::http_answer& of) {
    return monasca_wire(1h).judge(of, {.wall_seconds = now});
}

struct wish {
    std::chrono::milliseconds wait{0};
    std::uint64_t bad = 0, clamped = 0;
    friend bool operator==(const wish&, const wish&) = default;
};

wish wish_of(
    std::vector<std::string> retry_after,
    std::string date = {},
    std::chrono::milliseconds longest = 1h,
    unsigned status = 503) {
    monasca_wire wire(longest);
    auto of = answer(status);
    of.retry_after = std::move(retry_after);
    of.date = std::move(date);
    const auto result = wire.judge(of, {.wall_seconds = now});
    return {result.retry_after, wire.counts().retry_after_bad, wire.counts().retry_after_clamped};
}

} // namespace

TEST_SUITE("destinations/monasca_wire") {
TEST_CASE("measurements are an array of objects with name, dimensions, timestamp and value") {
    const auto a = opened({"http.requests"}, {{"hostname", "web-1"}, {"service", "shop"}});
    const auto b = opened({"queue.depth"});

    CHECK(
        body_of({one(a, 42.5), one(b, 7)}) ==
        R"([{"name":"http.requests","dimensions":{"hostname":"web-1","service":"shop"},)"
        R"("timestamp":1795293815967,"value":42.5},)"
        R"({"name":"queue.depth","dimensions":{},"timestamp":1795293815967,"value":7}])");
}

TEST_CASE("a timer's statistics and a rule's fields each go out under their own name") {
    const auto t = opened({"a", "b"}, {}, series_kind::timer);
    auto count = one(t, 3, 0);
    auto max = one(t, 4);
    max.name = 1;
    max.statistic = 3;

    CHECK(
        body_of({count, max}) ==
        R"([{"name":"a.count","dimensions":{},"timestamp":1795293815967,"value":3},)"
        R"({"name":"b.max","dimensions":{},"timestamp":1795293815967,"value":4}])");
}

TEST_CASE("value_meta follows the value, as texts") {
    auto m = one(opened({"n"}), 1);
    m.meta = {{"rc", "200"}, {"text", "a\"b\n\u20ac"}};

    CHECK(
        body_of({m}) ==
        "[{\"name\":\"n\",\"dimensions\":{},\"timestamp\":1795293815967,\"value\":1,"
        "\"value_meta\":{\"rc\":\"200\",\"text\":\"a\\\"b\\n\u20ac\"}}]");
}

TEST_CASE("names and dimensions are escaped") {
    CHECK(
        body_of({one(opened({"a\\b"}, {{"k\"", "\t"}}), 1)}) ==
        R"([{"name":"a\\b","dimensions":{"k\"":"\t"},"timestamp":1795293815967,"value":1}])");
}

TEST_CASE("values are the shortest text that reads back as the same double") {
    const auto g = opened({"n"});
    const auto text_of = [&](double value) {
        auto body = body_of({one(g, value)});
        body.erase(0, body.find("\"value\":") + 8);
        return body.substr(0, body.size() - 2);
    };

    CHECK(text_of(0.1) == "0.1");
    CHECK(text_of(1.0 / 3) == "0.3333333333333333");
    CHECK(text_of(-1e-300) == "-1e-300");
    CHECK(text_of(0x1p70) == "1.1805916207174113e+21");
}

TEST_CASE("a payload knows its records, those of each entry, and its size") {
    const auto g = opened({"n"});
    monasca_wire wire(1h);
    const auto p = wire.encode(batch_of({one(g, 1, 0), one(g, 2, 3), one(g, 3, 1)}), {});

    CHECK(p.records == 4);
    CHECK(p.entry_records == std::vector<std::uint32_t>{0, 3, 1});
    CHECK(p.plain_bytes == p.body.size());
    CHECK_FALSE(p.is_gzip);
    CHECK(p.head.empty());
    CHECK(p.tail.empty());
    CHECK(p.id.empty());
}

TEST_CASE("D-3.6 the halves of a payload have every entry and every record once, in order") {
    monasca_wire wire(1h);
    for (std::uint32_t entries = 2; entries < 20; ++entries) {
        std::vector<std::uint32_t> records(entries);
        std::iota(records.begin(), records.end(), 1u);
        const auto whole = counted(records);

        const auto halves = wire.split(whole);

        REQUIRE(halves.has_value());
        const auto& [first, second] = *halves;
        CHECK(
            first.body.substr(0, first.body.size() - 1) + "," + second.body.substr(1) ==
            whole.body);
        CHECK(first.records + second.records == whole.records);
        auto together = first.entry_records;
        together.insert(together.end(), second.entry_records.begin(), second.entry_records.end());
        CHECK(together == whole.entry_records);
        for (const auto& half : *halves) {
            CHECK(
                half.records ==
                std::accumulate(half.entry_records.begin(), half.entry_records.end(), 0u));
            CHECK(half.plain_bytes == half.body.size());
        }
        CHECK(first.entry_records.size() == entries / 2);
    }
}

TEST_CASE("D-3.7 a payload is cut behind an entry that has a count only, near the middle") {
    monasca_wire wire(1h);
    const auto first_of = [&](const std::vector<std::uint32_t>& records) {
        return wire.split(counted(records)).value()[0].entry_records;
    };
    using counts = std::vector<std::uint32_t>;

    CHECK(first_of({0, 0, 0, 0, 3, 2}) == counts{0, 0, 0, 0, 3});
    CHECK(first_of({2, 0, 0, 0, 0, 3}) == counts{2});
    CHECK(first_of({1, 0, 1, 0, 0, 0, 0, 1}) == counts{1, 0, 1});
    CHECK(first_of({0, 1, 0, 1}) == counts{0, 1});
}

TEST_CASE("D-3.7 a single counted group cannot be cut") {
    monasca_wire wire(1h);
    for (const auto& records : {std::vector<std::uint32_t>{1}, {7}, {0, 0, 0, 5}, {0, 1}}) {
        const auto halves = wire.split(counted(records));
        REQUIRE_FALSE(halves.has_value());
        CHECK(halves.error() == errc::too_large);
    }
}

TEST_CASE("halves can be cut again until single entries remain") {
    monasca_wire wire(1h);
    std::vector<payload> parts{counted(std::vector<std::uint32_t>(37, 1))};
    for (std::size_t i = 0; i < parts.size();) {
        auto halves = wire.split(parts[i]);
        if (!halves) {
            ++i;
            continue;
        }
        parts[i] = std::move((*halves)[0]);
        parts.push_back(std::move((*halves)[1]));
    }

    CHECK(parts.size() == 37);
    for (const auto& part : parts) {
        CHECK(part.records == 1);
        CHECK(part.body.starts_with("[{\"name\""));
        CHECK(part.body.ends_with("}]"));
    }
}

TEST_CASE("D-5 any 2xx is delivered") {
    for (const unsigned status : {200u, 201u, 202u, 204u, 299u}) {
        const auto result = judged(answer(status, "whatever"));
        CHECK(result.what == verdict::delivered);
        CHECK(result.why.empty());
    }
}

TEST_CASE("D-5 401 is auth, but Monasca's own of a missing role is config") {
    for (const auto body :
         {token_401, ""sv, "<html>"sv, "{}"sv, R"({"unauthorized":{"code":401}})"sv}) {
        CAPTURE(body);
        CHECK(judged(answer(401, body)).what == verdict::retry);
        CHECK(judged(answer(401, body)).kind == failure::auth);
    }
    CHECK(judged(answer(401, role_401)).what == verdict::retry);
    CHECK(judged(answer(401, role_401)).kind == failure::config);
}

TEST_CASE("D-5 redirects, 403, 404, 405 and 407 keep and wait, as config") {
    for (const unsigned status :
         {300u, 301u, 302u, 304u, 307u, 308u, 399u, 403u, 404u, 405u, 407u}) {
        CAPTURE(status);
        CHECK(judged(answer(status)).what == verdict::retry);
        CHECK(judged(answer(status)).kind == failure::config);
    }
}

TEST_CASE("D-5 408, 425 and every 5xx but 501 and 505 are tried again") {
    for (const unsigned status : {408u, 425u, 500u, 502u, 504u, 507u, 511u, 520u, 599u}) {
        CAPTURE(status);
        CHECK(judged(answer(status)).what == verdict::retry);
        CHECK(judged(answer(status)).kind == failure::network);
        CHECK(judged(answer(status)).was_internal_error == (status == 500)); // D-7.3
    }
}

TEST_CASE("D-5 429 and 503 wait as throttle") {
    for (const unsigned status : {429u, 503u}) {
        CHECK(judged(answer(status)).what == verdict::retry);
        CHECK(judged(answer(status)).kind == failure::throttle);
    }
}

TEST_CASE("D-5 413 is too large") {
    CHECK(judged(answer(413)).what == verdict::too_large);
}

TEST_CASE("D-5 what Monasca will never take is rejected") {
    for (const unsigned status :
         {402u, 406u, 409u, 410u, 411u, 412u, 414u, 415u, 418u, 431u, 451u, 499u, 501u, 505u}) {
        CAPTURE(status);
        CHECK(judged(answer(status)).what == verdict::rejected);
    }
}

TEST_CASE("D-5 400 and 422 are suspect: the payload is searched for what was refused") {
    for (const unsigned status : {400u, 422u}) {
        CHECK(judged(answer(status)).what == verdict::suspect);
    }
}

TEST_CASE("D-5 400 and 415 to a compressed payload ask for the same without gzip") {
    for (const unsigned status : {400u, 415u}) {
        CHECK(monasca_wire(1h).judge(answer(status), {.was_gzip = true}).what == verdict::plain);
    }
    CHECK(monasca_wire(1h).judge(answer(422), {.was_gzip = true}).what == verdict::suspect);
}

TEST_CASE("D-3.6 a compressed payload can be made plain and cut like any other") {
    monasca_wire wire(1h, compression_mode::gzip);
    const auto g = opened({"a.long.name.so.that.it.is.worth.it"}, {{"k", R"(}{"],[\)"}});
    std::vector<measurement> entries;
    for (int i = 0; i < 40; ++i) {
        entries.push_back(one(g, i));
    }
    const auto expected = body_of(entries);
    const auto packed = wire.encode(batch_of(entries), {});
    REQUIRE(packed.is_gzip);
    CHECK(packed.body.size() < packed.plain_bytes / 2);
    CHECK(packed.plain_bytes == expected.size());

    const auto plain = wire.plain(packed).value();
    CHECK(plain.body == expected);
    CHECK_FALSE(plain.is_gzip);
    CHECK(plain.records == 40);
    CHECK(plain.entry_records == packed.entry_records);

    const auto halves = wire.split(packed).value();
    CHECK(halves[0].is_gzip);
    const auto first = wire.plain(halves[0]).value().body;
    const auto second = wire.plain(halves[1]).value().body;
    CHECK(first.substr(0, first.size() - 1) + "," + second.substr(1) == expected);
    CHECK(wire.plain(plain).error() == errc::too_large);
}

TEST_CASE("a payload that gzip would make larger goes plain") {
    monasca_wire wire(1h, compression_mode::gzip);

    CHECK_FALSE(wire.encode(batch_of({one(opened({"n"}), 1)}), {}).is_gzip);
}

TEST_CASE("a 2xx that took 1.9 s or more is delivered, and counted as doubtful") {
    monasca_wire wire(1h);

    CHECK(wire.judge(answer(204), {.took = 1899ms}).what == verdict::delivered);
    CHECK(wire.counts().doubtful_acks == 0);
    CHECK(wire.judge(answer(204), {.took = 1900ms}).what == verdict::delivered);
    CHECK(wire.counts().doubtful_acks == 1);
    wire.judge(answer(503), {.took = 3s});
    CHECK(wire.counts().doubtful_acks == 1);
}

TEST_CASE("whoever answered had the whole request, and others may pass") {
    for (const unsigned status : {204u, 413u, 422u, 500u}) {
        CHECK(judged(answer(status)).was_written);
        CHECK(judged(answer(status)).was_answered);
    }
}

TEST_CASE("what went wrong is told on one line, its beginning only") {
    CHECK(judged(answer(404)).why == "404 Reason");
    CHECK(judged(answer(422, "a\r\nb\x1b[0m")).why == "422 Reason: a  b [0m");
    CHECK(judged(answer(500, std::string(10'000, 'x'))).why.size() < 300);
    auto of = answer(500);
    of.reason = std::string(5000, 'r') + "\x01";
    CHECK(judged(of).why.size() < 300);
}

TEST_CASE("F12 D-6.4 Retry-After is seconds") {
    CHECK(wish_of({"5"}) == wish{5s});
    CHECK(wish_of({"0"}) == wish{0s});
    CHECK(wish_of({}) == wish{0s});
    CHECK(wish_of({"0000000007"}) == wish{7s});
    CHECK(wish_of({"3600"}) == wish{1h});
}

TEST_CASE("F12 D-6.4 Retry-After beyond the longest is clamped and counted") {
    CHECK(wish_of({"3601"}) == wish{.wait = 1h, .clamped = 1});
    CHECK(wish_of({"9999999999"}) == wish{.wait = 1h, .clamped = 1});
    CHECK(wish_of({"Fri, 31 Dec 9999 23:59:59 GMT"}) == wish{.wait = 1h, .clamped = 1});
    CHECK(wish_of({"2"}, "", 1500ms) == wish{.wait = 1500ms, .clamped = 1});
    CHECK(wish_of({"1"}, "", 1500ms) == wish{1s});
}

TEST_CASE("F12 D-6.4 Retry-After is a date, measured against the answer's own") {
    constexpr auto later = "Sun, 06 Nov 1994 08:50:07 GMT";

    CHECK(wish_of({later}) == wish{30s});
    CHECK(wish_of({later}, "Sun, 06 Nov 1994 08:50:00 GMT") == wish{7s});
    CHECK(wish_of({later}, "yesterday") == wish{30s});
}

TEST_CASE("F12 D-6.4 a date in the past counts as no wait") {
    CHECK(wish_of({"Sun, 06 Nov 1994 08:49:36 GMT"}) == wish{0s});
    CHECK(wish_of({"Thu, 01 Jan 1970 00:00:00 GMT"}) == wish{0s});
    CHECK(wish_of({std::string(now_text)}) == wish{0s});
}

TEST_CASE("F12 D-6.4 anything else is ignored and counted") {
    for (const auto text :
         {"1e300"sv,
          "-1"sv,
          "+1"sv,
          "12345678901234567890"sv,
          "12345678901"sv,
          ""sv,
          " 5"sv,
          "5 "sv,
          "5.5"sv,
          "0x10"sv,
          "inf"sv,
          "Sunday, 06-Nov-94 08:49:37 GMT"sv,
          "Sun Nov  6 08:49:37 1994"sv,
          "Sun, 06 Nov 1994 08:49:37"sv,
          "Sun, 06 Nov 1994 08:49:37 CET"sv,
          "Sun, 6 Nov 1994 08:49:37 GMT"sv,
          "Sun,06 Nov 1994 08:49:37 GMT"sv,
          "Sun, 06 Nov 1994 08:49:37 GMT "sv,
          "Sun, 06 Nov 1994 25:49:37 GMT"sv,
          "Sun, 06 Foo 1994 08:49:37 GMT"sv}) {
        CAPTURE(text);
        CHECK(wish_of({std::string(text)}) == wish{.bad = 1});
    }
}

TEST_CASE("F12 D-6.4 of several Retry-After the largest counts") {
    CHECK(wish_of({"5", "7"}) == wish{7s});
    CHECK(wish_of({"7", "5"}) == wish{7s});
    CHECK(wish_of({"7", "-1", "x"}) == wish{.wait = 7s, .bad = 2});
    CHECK(wish_of({"7", "Sun, 06 Nov 1994 08:49:46 GMT"}) == wish{9s});
}

TEST_CASE("D-6.4 Retry-After is honoured on 413, 429 and every 5xx, nowhere else") {
    for (const unsigned status : {413u, 429u, 500u, 502u, 503u, 504u}) {
        CHECK(wish_of({"5"}, "", 1h, status) == wish{5s});
    }
    for (const unsigned status : {204u, 301u, 401u, 403u, 404u, 408u, 422u}) {
        CHECK(wish_of({"5"}, "", 1h, status) == wish{});
        CHECK(wish_of({"-1"}, "", 1h, status) == wish{});
    }
}

TEST_CASE("an IMF-fixdate is read as seconds since 1970") {
    CHECK(transport::read_http_date(now_text).value() == now);
    CHECK(transport::read_http_date("Thu, 01 Jan 1970 00:00:00 GMT").value() == 0);
    CHECK(transport::read_http_date("Thu, 29 Feb 2024 12:00:00 GMT").value() == 1'709'208'000);
    CHECK_FALSE(transport::read_http_date("").has_value());
    CHECK_FALSE(transport::read_http_date(std::string(now_text) + '\0').has_value());
    CHECK_FALSE(transport::read_http_date("Sun, 06 Nov 1994 08:49:37\0GMT"sv).has_value());
}
}
