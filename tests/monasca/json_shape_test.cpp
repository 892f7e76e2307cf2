#include "monasca/json_shape.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc::tool;

namespace {

template <class Form>
std::string shaped(const std::string& text, Form form) {
    const auto document = json_document::read(text);
    REQUIRE(document.has_value());
    return form(document->root());
}

std::string raw(const std::string& text) {
    return shaped(text, [](const json_value& v) { return dumped(v, json_letters::raw); });
}

std::string ascii(const std::string& text) {
    return shaped(text, [](const json_value& v) { return dumped(v, json_letters::ascii); });
}

} // namespace

TEST_SUITE("monasca/json_shape") {
TEST_CASE("two blanks a level, members in the order received, empty ones closed at once") {
    CHECK(
        raw(R"({"b":[1,{"a":[]}],"a":{},"b2":null})") ==
        "{\n  \"b\": [\n    1,\n    {\n      \"a\": []\n    }\n  ],\n  \"a\": {},\n"
        "  \"b2\": null\n}");
    CHECK(raw("[]") == "[]");
    CHECK(raw(" true ") == "true");
}

TEST_CASE("floats have Python's form, integers their own") {
    struct row {
        std::string text;
        std::string said;
    };
    const row rows[] = {
        {"1.50", "1.5"},
        {"100.0", "100.0"},
        {"1e2", "100.0"},
        {"1E16", "1e+16"},
        {"9999999999999998.0", "9999999999999998.0"},
        {"0.0001", "0.0001"},
        {"0.00001", "1e-05"},
        {"1e-7", "1e-07"},
        {"-0.0", "-0.0"},
        {"1e400", "Infinity"},
        {"NaN", "NaN"},
        {"-0", "0"},
        {"123456789012345678901234567890", "123456789012345678901234567890"}};
    for (const auto& [text, said] : rows) {
        CHECK(raw(text) == said);
    }
}

TEST_CASE("letters outside of ASCII stay, or become escapes, in pairs above U+FFFF") {
    CHECK(raw(R"("K\u00f6ln \ud83d\udd25")") == "\"Köln 🔥\"");
    CHECK(ascii(R"("K\u00f6ln \ud83d\udd25")") == R"("K\u00f6ln \ud83d\udd25")");
    CHECK(ascii("\"\xe6\x9d\xb1\"") == R"("\u6771")");
    CHECK(raw(R"("\u0001\b\f\n\r\t\"\\\/")") == R"("\u0001\b\f\n\r\t\"\\/")");
    CHECK(ascii("\"\x7f\"") == "\"\x7f\"");
}

TEST_CASE("cells show Python's words") {
    const auto cell = [](const std::string& text) { return shaped(text, plain_cell); };

    CHECK(cell("null") == "None");
    CHECK(cell("true") == "True");
    CHECK(cell("false") == "False");
    CHECK(cell("1.50") == "1.5");
    CHECK(cell("\"text\"") == "text");
    CHECK(cell(R"({"a": [1, "b"]})") == R"({"a":[1,"b"]})");
}

TEST_CASE("dicts, links, expressions and numbers have forms of their own") {
    CHECK(
        shaped(R"({"b":"x","a":1.0,"c":true,"d":null})", dict_cell) ==
        "b: x\na: 1.0\nc: True\nd: None");
    CHECK(shaped("{}", dict_cell) == "");
    CHECK(shaped("5", dict_cell) == "5");
    CHECK(
        shaped(R"([{"rel":"self","href":"h"},{"href":"i","rel":"x"}])", links_cell) ==
        "href:h,rel:self\nhref:i,rel:x");
    CHECK(
        shaped(R"({"function":"AVG","dimensions":{"a":"b"},"threshold":10.0})", expression_cell) ==
        "function: AVG\ndimensions: {\na: b\n}\nthreshold: 10.0");
    CHECK(shaped(R"({"dimensions":{}})", expression_cell) == "dimensions: {\n\n}");
    CHECK(shaped("97.6", number_cell) == "      97.600");
    CHECK(shaped("-0.0004", number_cell) == "      -0.000");
    CHECK(shaped("3", number_cell) == "       3.000");
    CHECK(shaped("12345678901234.5", number_cell) == "12345678901234.500");
    CHECK(shaped("null", number_cell) == "        None");
}

TEST_CASE("YAML reads back as the same JSON") {
    CHECK(
        shaped(R"([{"a":"x: y","b":[1,[2]],"c":{}},[],null])", as_yaml) ==
        "- \"a\": \"x: y\"\n  \"b\":\n    - 1\n    - - 2\n  \"c\": {}\n- []\n- null\n");
}
}
