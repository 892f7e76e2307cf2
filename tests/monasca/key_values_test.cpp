#include "monasca/key_values.hpp"
#include "monasca/raw_metrics.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace monarc::tool;

namespace {

std::string query(const std::vector<std::string>& given) {
    return pairs_in_query(read_pairs(given, bare_keys::are_keys));
}

std::string in_body(const std::vector<std::string>& given) {
    return pairs_in_body(read_pairs(given, bare_keys::are_wrong));
}

std::string wrong_of(const std::vector<std::string>& given) {
    try {
        read_pairs(given, bare_keys::are_wrong);
    } catch (const failure& why) {
        return why.text;
    }
    return "";
}

std::vector<std::string> cut(const std::vector<std::string>& pieces, std::string& what) {
    object_cutter cutter;
    std::vector<std::string> all;
    for (const auto& piece : pieces) {
        if (!cutter.feed(piece, [&](const std::string& one) { all.push_back(one); })) {
            what = cutter.what();
            return all;
        }
    }
    what = cutter.end() ? "" : cutter.what();
    return all;
}

} // namespace

TEST_SUITE("monasca/key_values") {
TEST_CASE("given once it is cut at semicolons if there is one, else at commas; else not at all") {
    CHECK(query({"a=1,b=2"}) == "a:1,b:2");
    CHECK(query({"a=1,2;b=3"}) == "a:1,2,b:3");
    CHECK(query({"a=1,b", "c=2"}) == "a:1,b,c:2");
    CHECK(in_body({"a=x=y"}) == R"({"a":"x=y"})");
}

TEST_CASE("of a key that comes twice the last value counts in a query, a body has both") {
    CHECK(query({"a=1,b=2,a=3"}) == "a:3,b:2");
    CHECK(in_body({"a=1,b=2,a=3"}) == R"({"a":["1","3"],"b":"2"})");
}

TEST_CASE("a bare key means any value where that is allowed") {
    CHECK(query({"hostname,service=x|y"}) == "hostname,service:x|y");
    CHECK(query({"a="}) == "a");
    CHECK(query({""}) == "");
    CHECK(in_body({"a="}) == R"({"a":""})");
    CHECK(wrong_of({"novalue"}) == "Malformed parameter(novalue). Use the key=value format.");
    CHECK(wrong_of({""}) == "Malformed parameter(). Use the key=value format.");
    CHECK(wrong_of({"a=1,"}) == "Malformed parameter(). Use the key=value format.");
}

TEST_CASE("a start time before now is told in UTC, anything else passes") {
    const std::int64_t now = 1'426'885'489; // 2015-03-20T21:04:49Z

    CHECK(start_time_of("-0", now) == "2015-03-20T21:04:49Z");
    CHECK(start_time_of("-1440", now) == "2015-03-19T21:04:49Z");
    CHECK(start_time_of("now-2h", now) == "2015-03-20T19:04:49Z");
    CHECK(start_time_of("now-1d", now) == "2015-03-19T21:04:49Z");
    CHECK(start_time_of("2015-01-01T00:00:00Z", now) == "2015-01-01T00:00:00Z");
    CHECK(start_time_of("yesterday", now) == "yesterday");
    CHECK(start_time_of("now-2", now) == "now-2");
    for (const std::string text : {"-2h", "-", "--5", "-1.5", "-99999999999999999999"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(start_time_of(text, now), failure);
    }
}

TEST_CASE("a tenant_id of a raw metric goes to the query, all else stays") {
    const auto plain = raw_metric_call(R"({"name": "x", "value": 1.50})");
    CHECK(plain.body == R"({"name": "x", "value": 1.50})");
    CHECK(plain.query.empty());

    const auto moved = raw_metric_call(R"({"name":"x","tenant_id":"t1","value":1.50})");
    CHECK(moved.body == R"({"name":"x","value":1.50})");
    REQUIRE(moved.query.size() == 1);
    CHECK(moved.query[0] == std::pair<std::string, std::string>("tenant_id", "t1"));

    CHECK(raw_metric_call(R"([{"tenant_id":"t"}])").query.empty());
}

TEST_CASE("objects are cut from lines or an array, in any pieces") {
    const std::string objects[] = {R"({"a":"}]\"{"})", R"({"b":[{},[1]]})"};
    for (const auto& text :
         {objects[0] + "\n\n " + objects[1], "[" + objects[0] + " ,\n" + objects[1] + "]\n"}) {
        std::vector<std::string> bytes;
        for (const char c : text) {
            bytes.emplace_back(1, c);
        }
        for (const auto& pieces : {std::vector<std::string>{text}, bytes}) {
            std::string what;
            CHECK(cut(pieces, what) == std::vector<std::string>{objects[0], objects[1]});
            CHECK(what == "");
        }
    }
}

TEST_CASE("what is no stream of objects is refused with its line") {
    struct row {
        std::string text;
        std::string what;
    };
    const row rows[] = {
        {"{}\n5", "line 2: '5' where an object should begin"},
        {"[{}", "line 1: the array has no end"},
        {"{\"a\":", "line 1: the object that begins here has no end"},
        {"{}]", "line 1: ']' where an object should begin"},
        {"[{}]{}", "line 1: '{' where an object should begin"},
        {"[[", "line 1: '[' where an object should begin"}};
    for (const auto& [text, why] : rows) {
        std::string what;
        cut({text}, what);
        CHECK(what.substr(0, why.size()) == why);
    }
    std::string what;
    cut({"{\"a\":\"" + std::string(object_cutter::max_object_bytes, 'x')}, what);
    CHECK(what.find("more than 1 MiB") != std::string::npos);
}
}
