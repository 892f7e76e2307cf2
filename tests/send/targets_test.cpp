#include "send/mona_target.hpp"
#include "send/monasca_target.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc::send;
using namespace std::chrono_literals;

namespace {

value text(std::string_view of) {
    return of;
}

time_point now() {
    return time_point(1'700'000'000s);
}

row flat(std::vector<field> fields, std::vector<value> chosen = {}) {
    row r;
    r.first_line = r.last_line = 7;
    r.fields = std::move(fields);
    r.chosen = std::move(chosen);
    return r;
}

} // namespace

TEST_SUITE("send/mona_target") {
TEST_CASE(
    "a row is shown as it goes out: id, seconds, fields without those that begin with MONA_") {
    mona_target to({.class_name = "loan", .id = 0, .time = 1, .user_id = "EMPTY"});
    const auto r = flat(
        {{"age", value(std::int64_t{33})}, {"MONA_X", text("y")}, {"note", text("a\"b")}},
        {text("42"), value(std::int64_t{1700000000})});
    CHECK(to.prepare(r) == "");
    CHECK(
        to.shown() == R"({"class":"loan","user_id":"EMPTY","context":"42",)"
                      R"("export_timestamp":1700000000,"message":{"age":33,"note":"a\"b"}})");
}

TEST_CASE("JSON is shown as the exporter reads it") {
    mona_target to({.class_name = "loan", .id_prefix = "p-"});
    auto r = flat({{"a", value(nested{})}});
    r.is_flat = false;
    r.json = R"({"a":[1,{"b":null}],"c":1.5,"c":2})";
    CHECK(to.prepare(r) == "");
    CHECK(
        to.shown() ==
        R"({"class":"loan","user_id":"","context":"p-7","message":{"a":[1,{"b":null}],"c":2}})");
}

TEST_CASE("an id is a text or a whole number of at most 1024 bytes") {
    mona_target to({.class_name = "loan", .id = 0, .id_name = "loan_id"});
    CHECK(to.prepare(flat({}, {value(std::int64_t{-5})})) == "");
    CHECK(to.prepare(flat({}, {value(std::uint64_t{18446744073709551615u})})) == "");
    CHECK(
        to.prepare(flat({}, {value(missing{})})) ==
        R"("loan_id", the column of --id, is empty or not there)");
    CHECK(to.prepare(flat({}, {value(1.0)})) == "the id must be a text or a whole number, got 1.0");
    CHECK(to.prepare(flat({}, {value(nullptr)})) != "");
    CHECK(to.prepare(flat({}, {text("")})) == "the id must have 1 to 1024 bytes, got 0");
    const std::string long_id(1025, 'x');
    CHECK(to.prepare(flat({}, {text(long_id)})) != "");
}

TEST_CASE("a time that is none is named") {
    mona_target to({.class_name = "loan", .time = 0});
    CHECK(to.prepare(flat({}, {text("soon")})).find("the time \"soon\" is not") == 0);
    mona_target named({.class_name = "loan", .time = 0, .time_name = "at"});
    CHECK(
        named.prepare(flat({}, {value(missing{})})) ==
        R"("at", the column of --time, is empty or not there)");
}

TEST_CASE("a CSV row beyond 256 KiB as JSON is refused, a smaller one is not") {
    mona_target to({.class_name = "loan"});
    const std::string large(200'000, 'x');
    const std::string quotes(200'000, '"');
    const auto fits = flat({{"a", text(large)}});
    const auto does_not = flat({{"a", text(quotes)}});
    CHECK(to.prepare(fits) == "");
    CHECK(to.prepare(does_not).find("a record has at most 262144") != std::string::npos);
}
}

TEST_SUITE("send/monasca_target") {
TEST_CASE("a row is a measurement with its dimensions") {
    monasca_target to(
        {.metric = "load",
         .value = 0,
         .dimensions = {{"host", 1}, {"slot", 2}, {"none", 3}},
         .time = 4,
         .added = {{"region", "eu"}}},
        now);
    const auto r = flat(
        {},
        {text("1.5"),
         text("web|1"),
         value(std::int64_t{3}),
         value(missing{}),
         value(std::int64_t{1700000000})});
    CHECK(to.prepare(r) == "");
    CHECK(
        to.shown() == R"({"name":"load","dimensions":{"host":"web_1","region":"eu","slot":"3"},)"
                      R"("timestamp":1700000000000,"value":1.5})");
    CHECK(to.repaired() == 1);
}

TEST_CASE("what Monasca would refuse is named") {
    monasca_target to(
        {.metric_column = 0,
         .value = 1,
         .dimensions = {{"host", 2}},
         .time = 3,
         .metric_name = "m",
         .value_name = "v",
         .time_name = "t"},
        now);
    const auto moment = value(std::int64_t{1700000000});
    const auto wrong = [&](value name, value number, value host, value at) {
        return to.prepare(flat({}, {name, number, host, at}));
    };
    CHECK(wrong(text("load"), value(1.0), text("a"), moment) == "");
    CHECK(wrong(text("a b"), value(1.0), text("a"), moment).find("the metric's name holds") == 0);
    const value none = missing{};
    CHECK(wrong(none, value(1.0), text("a"), moment).find("\"m\", the column of --m") == 0);
    CHECK(wrong(text("load"), none, text("a"), moment).find("\"v\", the column of --v") == 0);
    CHECK(wrong(text("load"), value(1.0), text("a"), none).find("\"t\", the column of --t") == 0);
    CHECK(
        wrong(text("load"), text("many"), text("a"), moment) ==
        "the value must be a number, got \"many\"");
    CHECK(wrong(text("load"), value(true), text("a"), moment) != "");
    CHECK(wrong(text("load"), value(1.0), value(nested{}), moment).find("the dimension host") == 0);
    const std::string long_name(256, 'x');
    CHECK(
        wrong(text("load"), value(1.0), text(long_name), moment).find("dimension host") !=
        std::string::npos);
    CHECK(
        wrong(text("load"), value(1.0), text("a"), value(std::int64_t{1600000000}))
            .find("more than 13 days old") != std::string::npos);
    CHECK(
        wrong(text("load"), value(1.0), text("a"), value(std::int64_t{1700000100}))
            .find("a minute ahead") != std::string::npos);
}
}
