#include "sink/monasca_metrics.hpp"
#include "sink/monasca_violations.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace std::string_literals;
using sink::violation;

namespace {

constexpr std::int64_t now = 1'795'293'815'967;

// One metric with the members of `rest` behind a name.
std::string metric(const std::string& rest) {
    return R"({"name":"t.case",)" + rest + "}";
}

std::string good_with(const std::string& rest) {
    return metric(R"("timestamp":1795293815967,"value":1)" + rest);
}

// "" for 204, the description for 422, "no JSON" for 400.
std::string verdict(const std::string& body) {
    const auto json = sink::python::document::read(body);
    if (!json)
        return "no JSON";
    const auto no = sink::why_not_metrics(json->root());
    if (!no)
        return {};
    CHECK(no->status == 422);
    CHECK(no->title == "Unprocessable Entity");
    return no->description;
}

std::vector<violation> violations(const std::string& body) {
    const auto json = sink::python::document::read(body);
    REQUIRE(json.has_value());
    REQUIRE_FALSE(sink::why_not_metrics(json->root()).has_value());
    std::vector<violation> all;
    for (const auto& found : sink::find_violations(json->root(), body.size(), now))
        all.push_back(found.what);
    return all;
}

std::string dimension(const std::string& key, const std::string& value) {
    return good_with(R"(,"dimensions":{")" + key + R"(":")" + value + R"("})");
}

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

} // namespace

TEST_SUITE("sink/monasca_metrics") {
TEST_CASE("what is no JSON for Python is none here") {
    const std::vector<std::string> bodies{
        "",
        " ",
        "{",
        "[1,]",
        R"({"a":1,})",
        "\xef\xbb\xbf[]",
        "\x1f\x8b\x08",
        "[] []",
        "1,2",
        "1],[2",
        R"({"a":01})",
        R"({"a":+1})",
        R"({"a":.5})",
        R"({"a":1.})",
        R"({"a":1e})",
        R"({"a":nan})",
        R"({'a':1})",
        R"({"a" 1})",
        R"(["a)",
        "[\"\xff\"]",
        "[\"\n\"]",
        R"(["\x"])",
        R"({1:2})",
        "tru",
        "[" + repeated("[", 300) + repeated("]", 300) + "]"};
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(verdict(body) == "no JSON");
    }
}

TEST_CASE("what the API accepts") {
    const std::vector<std::string> bodies{
        "[]",
        good_with(""),
        "[" + good_with("") + " , " + good_with("") + "]\n",
        good_with(R"(,"dimensions":{})"),
        good_with(R"(,"value_meta":null)"),
        good_with(R"(,"value_meta":{})"),
        good_with(R"(,"value_meta":{"a":{"b":[1,null,1.5]}})"),
        good_with(R"(,"extra":[1])"),
        metric(R"("timestamp":NaN,"value":1)"),
        metric(R"("timestamp":1e300,"value":1)"),
        metric(R"("timestamp":-1.5,"value":true)"),
        metric(R"("timestamp":0,"value":1180591620717411303424)"),
        metric(R"("timestamp":0,"value":-0.0)"),
        dimension("a:b(c)", "it's (a) tab\\t"),
        dimension("k", "\\n"),
        dimension("k", repeated("\xf0\x9f\x98\x80", 255)),
        R"({"name":")" + repeated("\xf0\x9f\x98\x80", 255) + R"(","timestamp":0,"value":1})",
        // Of equal keys the last counts.
        R"({"name":"a b","name":"a","timestamp":0,"value":"x","value":1})",
    };
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(verdict(body).empty());
    }
}

TEST_CASE("what is refused, and in which words") {
    struct row {
        std::string body;
        std::string description;
    };
    const auto long_name = std::string(256, 'n');
    const std::vector<row> rows{
        {"{}", "'name'"},
        {"5", "'int' object is not subscriptable"},
        {"null", "'NoneType' object is not subscriptable"},
        {"[[]]", "list indices must be integers or slices, not str"},
        {R"(["a"])", "string indices must be integers"},
        {R"({"name":5})", "invalid metric name type: 5 is not a string type "},
        {R"({"name":""})", "invalid length for metric name: "},
        {R"({"name":")" + long_name + R"("})", "invalid length for metric name: " + long_name},
        {R"({"name":"a b"})", "invalid characters in metric name: a b"},
        {R"({"name":"a(b"})", "invalid characters in metric name: a(b"},
        {R"({"name":"a"})", R"("'value': for metric a")"},
        {R"({"name":"a","value":1})", R"("'timestamp': for metric a")"},
        {metric(R"("value":"1","timestamp":1)"),
         "invalid value type: 1 is not a number type for metric: for metric t.case"},
        {metric(R"("value":null,"timestamp":1)"),
         "invalid value type: None is not a number type for metric: for metric t.case"},
        {metric(R"("value":NaN,"timestamp":1)"),
         "invalid value: nan is not a valid value for metric: for metric t.case"},
        {metric(R"("value":-Infinity,"timestamp":1)"),
         "invalid value: -inf is not a valid value for metric: for metric t.case"},
        {metric(R"("value":1e400,"timestamp":1)"),
         "invalid value: inf is not a valid value for metric: for metric t.case"},
        {metric(R"("value":1)" + std::string(400, '0') + R"(,"timestamp":1)"),
         "int too large to convert to float: for metric t.case"},
        {metric(R"("value":1,"timestamp":"1")"),
         "invalid timestamp type: 1 is not a number type for metric: for metric t.case"},
        {good_with(R"(,"dimensions":null)"),
         "'NoneType' object has no attribute 'items': for metric t.case"},
        {good_with(R"(,"dimensions":["a"])"),
         "'list' object has no attribute 'items': for metric t.case"},
        {dimension("k", "a=b"),
         "invalid characters in dimension value a=b from key k: for metric t.case"},
        {dimension("k", ""),
         "invalid length (0) for dimension value  from key k: for metric t.case"},
        {dimension("", "v"), "invalid length (0) for dimension key : for metric t.case"},
        {dimension("_k", "v"), "invalid characters in dimension key _k: for metric t.case"},
        {dimension("k;", "v"), "invalid characters in dimension key k;: for metric t.case"},
        {dimension("k", "a\\\\"),
         "invalid characters in dimension value a\\ from key k: for metric t.case"},
        {good_with(R"(,"dimensions":{"k":{"a":[1.0,true,"x"]}})"),
         "invalid dimension value type: {'a': [1.0, True, 'x']} must be a string (from key k): "
         "for metric t.case"},
        {good_with(R"(,"value_meta":5)"), "object of type 'int' has no len(): for metric t.case"},
        {good_with(R"(,"value_meta":["a"])"),
         "'list' object has no attribute 'items': for metric t.case"},
        {good_with(R"(,"value_meta":{"":"v"})"),
         "valueMeta name cannot be empty: key=, value=v: for metric t.case"},
    };
    for (const auto& [body, description] : rows) {
        CAPTURE(body);
        CHECK(verdict(body) == description);
    }
}

TEST_CASE("the first metric that is wrong is named, and only it") {
    CHECK(
        verdict("[" + good_with("") + R"(,{"name":"x","value":1},{"name":"y"}])") ==
        R"("'timestamp': for metric x")");
}

TEST_CASE("value_meta is limited to 16 entries and 2048 characters as Python prints them") {
    const auto with = [](const std::string& value) {
        return verdict(good_with(R"(,"value_meta":{"k":")" + value + R"("})"));
    };
    CHECK(with(std::string(2039, 'v')).empty());
    CHECK(with(std::string(2040, 'v'))
              .starts_with("valueMeta name value combinations must be 2048 characters or less: "));
    // {"k": ""} is 9 of them, é 6, what lies beyond the BMP 12, an escape 2.
    CHECK(with(repeated("\xc3\xa9", 339) + "vvvvv").empty());
    CHECK_FALSE(with(repeated("\xc3\xa9", 339) + "vvvvvv").empty());
    CHECK(with(repeated("\xf0\x9f\x98\x80", 169) + std::string(11, 'v')).empty());
    CHECK_FALSE(with(repeated("\xf0\x9f\x98\x80", 169) + std::string(12, 'v')).empty());
    CHECK(with(repeated("\\n", 1019) + "v").empty());
    CHECK_FALSE(with(repeated("\\n", 1019) + "vv").empty());

    const auto entries = [](int count) {
        std::string meta;
        for (int i = 0; i < count; ++i)
            meta += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"v")";
        return verdict(good_with(R"(,"value_meta":{)" + meta + "}"));
    };
    CHECK(entries(16).empty());
    CHECK(
        entries(17).starts_with("Too many valueMeta entries 17, limit is 16: valueMeta {'0': 'v'"));
}

TEST_CASE("a body of more values than the limit is too large, not wrong") {
    std::string body = "[0";
    for (std::size_t i = 0; i < sink::python::document::max_values; ++i)
        body += ",0";
    const auto json = sink::python::document::read(body + "]");
    REQUIRE_FALSE(json.has_value());
    CHECK(json.error() == errc::too_large);
}

TEST_CASE("measurements keep what was accepted, dimensions in order") {
    const auto json = sink::python::document::read(
        R"([{"name":"a","timestamp":12.9,"value":true,"dimensions":{"z":"1","b":"2"},)"
        R"("value_meta":{"k":"\u00e9","n":{"x":[1,null]}}}])");
    REQUIRE(json.has_value());
    const auto all = sink::to_measurements(json->root());
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "a");
    CHECK(all[0].timestamp == 12.9);
    CHECK(all[0].value == 1);
    CHECK((all[0].dimensions == sink::dimension_list{{"b", "2"}, {"z", "1"}}));
    CHECK(all[0].value_meta == "{\"k\":\"\xc3\xa9\",\"n\":{\"x\":[1,null]}}");
}

TEST_CASE("what is accepted and hurts behind the API is a violation, by its reason") {
    struct row {
        std::string body;
        violation what;
    };
    const auto at = [](const std::string& time) {
        return metric(R"("value":1,"timestamp":)" + time);
    };
    const std::vector<row> rows{
        {dimension("k", "a\\nb"), violation::newline},
        {R"({"name":"a\nb","timestamp":1795293815967,"value":1})", violation::newline},
        {dimension("time", "v"), violation::time_key},
        {at("1795293815967000"), violation::timestamp_range},
        {at("-9223372036855"), violation::timestamp_range},
        {at("NaN"), violation::timestamp_kind},
        {at("1795293815967.5"), violation::timestamp_kind},
        {at("1795293815"), violation::timestamp_window},
        {at("1795293936968"), violation::timestamp_window},
        {at("1794084215966"), violation::timestamp_window},
        {dimension("value", "v"), violation::field_key},
        {dimension("value_meta", "v"), violation::field_key},
        {metric(R"("value":true,"timestamp":1795293815967)"), violation::value_kind},
        {dimension("k", "a\\u0000"), violation::control},
        {dimension("k", "a\\u0085b"), violation::control},
        {dimension("k", "a|b"), violation::stricter_api},
        {dimension("k(", "b"), violation::stricter_api},
        {dimension("k", " "), violation::stricter_api},
        {dimension("k", repeated("\xf0\x9f\x98\x80", 128)), violation::stricter_api},
        {good_with(R"(,"unit":"s")"), violation::extra_member},
        {good_with(R"(,"value_meta":{"rc":200})"), violation::meta_kind},
        {"[]", violation::empty_batch},
    };
    for (const auto& [body, what] : rows) {
        CAPTURE(body);
        const auto found = violations(body);
        REQUIRE(found.size() == 1);
        CHECK(found[0] == what);
    }
}

TEST_CASE("what monarc sends is no violation") {
    const std::vector<std::string> bodies{
        good_with(""),
        "[" +
            good_with(R"(,"dimensions":{"host":"web 1","a:b":"it's"},"value_meta":{"rc":"200"})") +
            "]",
        metric(R"("value":-1.5e-300,"timestamp":1795293935967)"),
        metric(R"("value":0,"timestamp":1794084215967)"),
    };
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(violations(body).empty());
    }
}

TEST_CASE("dimensions, series and batches have limits") {
    const auto with = [](int count, int bytes) {
        std::string all;
        for (int i = 0; i < count; ++i)
            all += (i == 0 ? "\"" : ",\"") + std::to_string(100 + i) + R"(":")" +
                   std::string(static_cast<std::size_t>(bytes), 'v') + "\"";
        return violations(good_with(R"(,"dimensions":{)" + all + "}"));
    };
    CHECK(with(32, 255).empty());
    CHECK((with(33, 1) == std::vector{violation::dimension_limit}));
    CHECK((with(255, 255) == std::vector{violation::dimension_limit, violation::series_too_large}));

    const auto batch = [](int count) {
        std::string all = "[" + good_with("");
        for (int i = 1; i < count; ++i)
            all += "," + good_with("");
        return violations(all + "]");
    };
    CHECK(batch(1000).empty());
    CHECK((batch(1001) == std::vector{violation::large_batch}));
    CHECK(
        (violations(good_with("") + std::string(1 << 20, ' ')) ==
         std::vector{violation::large_batch}));
}

TEST_CASE("a point that ends the persister cannot be stored, others can") {
    CHECK_FALSE(sink::is_storable(violation::newline));
    CHECK_FALSE(sink::is_storable(violation::series_too_large));
    CHECK(sink::is_storable(violation::timestamp_window));
    for (std::size_t i = 0; i < sink::violation_count; ++i)
        CHECK_FALSE(sink::name(static_cast<violation>(i)).empty());
}
}
