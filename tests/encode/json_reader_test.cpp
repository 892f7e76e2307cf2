#include "core/fields.hpp"
#include "core/json_block.hpp"
#include "encode/json_reader.hpp"
#include "support/msgpack_text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

using namespace monarc;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

class reading {
public:
    // The fields that are left, "! why" if it is no record.
    std::string record(std::string_view text) {
        std::string padded(text);
        padded.resize(text.size() + json_padding_bytes, 'x'); // whatever stands there
        std::string body;
        facts = {};
        if (!reader_.read_record({padded.data(), text.size()}, body, facts)) {
            return "! "s + reader_.why();
        }
        std::string fields;
        visit_self_described(body, [&](const field_view& field) {
            fields += fields.empty() ? "" : ", ";
            fields += field.key != key_without_room ? name_of(field.key).text : field.name;
            fields += ": " + text_of(field);
        });
        return fields;
    }

    std::string value(std::string_view text, std::size_t level = 1) {
        byte_buffer packed;
        return reader_.read_value(text, level, packed, is_repaired)
                   ? support::as_text(packed.view())
                   : "! "s + reader_.why();
    }

    json_facts facts;
    bool is_repaired = false;

private:
    static std::string text_of(const field_view& field) {
        switch (field.type) {
        case detail::value_type::null: return "null";
        case detail::value_type::boolean: return field.word != 0 ? "true" : "false";
        case detail::value_type::integer:
            return fmt::format("{}", static_cast<std::int64_t>(field.word));
        case detail::value_type::natural: return fmt::format("{}u", field.word);
        case detail::value_type::real: return support::real_as_text(field.real());
        case detail::value_type::text: return '"' + std::string(field.text) + '"';
        case detail::value_type::packed: return support::as_text(field.text);
        default: return "?";
        }
    }

    encode::json_reader reader_;

public:
    explicit reading(const encode::json_dialect& dialect = {}) : reader_(dialect) {}
};

std::string nested(std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
}

} // namespace

TEST_SUITE("encode/json_reader") {
TEST_CASE("each text has its own keys, whatever stood at their places in the text before") {
    reading json;
    std::string many = "{";
    for (int i = 0; i < 100; ++i) {
        many += fmt::format("{}\"m{}\": {}", i == 0 ? "" : ", ", i, i);
    }
    many += "}";

    CHECK(json.record(R"({"a": 1, "b": 2})") == "a: 1, b: 2");
    CHECK(json.record(R"({"b": 3, "a": 4, "c": 5})") == "b: 3, a: 4, c: 5");
    CHECK(json.record(R"({"MONA_x": 0, "b": 6})") == "b: 6");
    CHECK(json.record(R"({"": 7, "aa": 8, "c": 9})") == ": 7, aa: 8, c: 9");
    CHECK(json.record(many).ends_with("m98: 98, m99: 99"));
    CHECK(json.record(many).ends_with("m98: 98, m99: 99"));
    CHECK(json.record(R"({"a": 1, "b": 2})") == "a: 1, b: 2");
}

TEST_CASE("the members of an object become fields of their types") {
    reading json;

    CHECK(
        json.record(
            R"( {"n": null, "t": true, "f": false, "i": -7, "u": 18446744073709551615, "r": 1.0,
                 "s": "a\u00e4\n", "e": "", "o": {"x": [1, {}]}, "a": []} )") ==
        "n: null, t: true, f: false, i: -7, u: 18446744073709551615u, r: 1.0, s: \"a\xc3\xa4\n\", "
        "e: \"\", o: {\"x\": [1, {}]}, a: []");
    CHECK(json.facts.fields == 10);
    CHECK(json.record("{}").empty());
    CHECK(json.facts.fields == 0);
}

TEST_CASE("mona-client.md 5 keys of the object itself that begin with MONA_ are stripped") {
    reading json;

    CHECK(
        json.record(
            R"({"MONA_": 1, "a": {"MONA_x": 1}, "\u004dONA_ARC_CLASS": "X", "MONA": 2, "MONAX": 3,
                "mona_x": 4, " MONA_x": 5, "xMONA_": 6})") ==
        "a: {\"MONA_x\": 1}, MONA: 2, MONAX: 3, mona_x: 4,  MONA_x: 5, xMONA_: 6");
    CHECK(json.facts.stripped == 2);
    CHECK(json.facts.fields == 8);
    CHECK(json.record(R"({"MONA_x": 1})").empty());
}

TEST_CASE("of a key that stands twice the later value counts, at the first place, at any depth") {
    reading json;

    CHECK(
        json.record(R"({"a": 1, "b": 2, "\u0061": {"c": 1, "d": 2, "c": 3}})") ==
        "a: {\"c\": 3, \"d\": 2}, b: 2");
    CHECK(json.facts.repeated == 1);
    CHECK(json.facts.fields == 3);

    std::string many = "{";
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        many += fmt::format("\"{}\": {}, ", i, i);
        expected += fmt::format("{}{}: {}", i == 0 ? "" : ", ", i, i % 3 == 0 ? 3 * i : i);
    }
    for (int i = 0; i < 100; i += 3) {
        many += fmt::format("\"{}\": 0, \"{}\": {}, ", i, i, 3 * i);
    }
    many.back() = '}';
    many[many.size() - 2] = ' ';
    CHECK(json.record(many) == expected);
    CHECK(json.facts.repeated == 68);
}

TEST_CASE("what is no JSON object is refused with the reason, and the next one is read") {
    reading json;
    for (const auto text :
         {""sv,
          " "sv,
          "1"sv,
          "null"sv,
          "\"text\""sv,
          "[{}]"sv,
          "{"sv,
          "{\"a\"}"sv,
          "{\"a\": 1,}"sv,
          "{'a': 1}"sv,
          "{\"a\": 01}"sv,
          "{\"a\": NaN}"sv,
          "{\"a\": Infinity}"sv,
          "{\"a\": \"\n\"}"sv,
          "{\"a\": \"\\ud800\"}"sv,
          "{\"a\": 18446744073709551616}"sv,
          "{\"a\": -9223372036854775809}"sv,
          "{\"a\": 1e999}"sv,
          "{} {}"sv,
          "{}x"sv}) {
        CAPTURE(text);
        const auto got = json.record(text);
        CHECK(got.starts_with("! "));
        CHECK(got.size() > 4);
        CHECK(json.record("{\"a\": 1}") == "a: 1");
    }
    CHECK(json.record("[]") == "! not an object");
}

TEST_CASE("more than twelve levels are refused, the record itself included") {
    reading json;

    CHECK(json.record("{\"a\": " + nested(11) + "}") == "a: " + nested(11));
    CHECK(json.record("{\"a\": " + nested(12) + "}").starts_with("! objects and arrays"));
    CHECK(json.record("{\"a\": " + nested(600) + "}").starts_with("! objects and arrays"));
    CHECK(json.record("{\"a\": " + nested(100'000) + "}").starts_with("! "));
    CHECK(json.value(nested(11)) == nested(11));
    CHECK(json.value(nested(9), 3) == nested(9));
    CHECK(json.value(nested(10), 3).starts_with("! objects and arrays"));
    CHECK(json.value("{\"a\": {\"b\": 1}}", 10) == "{\"a\": {\"b\": 1}}");
    CHECK(json.value("{\"a\": {\"b\": 1}}", 11).starts_with("! objects and arrays"));
}

TEST_CASE("D-4.4 bytes that are not UTF-8 become U+FFFD, in keys as well") {
    reading json;

    CHECK(
        json.record("{\"a\xff\": \"\xc3\xa4\xe2\x82\"}") ==
        "a\xef\xbf\xbd: \"\xc3\xa4\xef\xbf\xbd\"");
    CHECK(json.facts.is_repaired);
    CHECK(json.record("{\"a\": \"\xc3\xa4\"}") == "a: \"\xc3\xa4\"");
    CHECK_FALSE(json.facts.is_repaired);
    CHECK(json.value("\"\xff\"") == "\"\xef\xbf\xbd\"");
    CHECK(json.is_repaired);
    CHECK(json.record("\xff{}").starts_with("! "));
}

TEST_CASE("a value may be of any type") {
    reading json;

    CHECK(json.value("1") == "1");
    CHECK(json.value(" \"x\" ") == "\"x\"");
    CHECK(json.value("null") == "null");
    CHECK(json.value("[1.5, {\"a\": [true]}]") == "[1.5, {\"a\": [true]}]");
    CHECK(json.value("").starts_with("! "));
    CHECK(json.value("tru").starts_with("! "));
}

TEST_CASE("keys of any length are taken; those beyond 255 bytes have no number") {
    reading json;
    const std::string longest(255, 'k');
    const std::string longer(100'000, 'k');

    CHECK(json.record("{\"" + longest + "\": 1}") == longest + ": 1");
    CHECK(json.record("{\"" + longer + "\": 1}") == longer + ": 1");
    CHECK(json.record("{\"\": 1, \"a\\u0000b\": 2}") == ": 1, a\0b: 2"s);
}

TEST_CASE("an object of very many keys is read, also if they are all alike") {
    reading json;
    std::string distinct = "{";
    std::string alike = "{";
    for (int i = 0; i < 20'000; ++i) {
        distinct += fmt::format("\"json_reader.{}\":{},", i, i);
        alike += "\"x\":1,";
    }
    distinct.back() = '}';
    alike.back() = '}';

    CHECK(json.record(distinct).starts_with("json_reader.0: 0, json_reader.1: 1"));
    CHECK(json.facts.fields == 20'000);
    CHECK(json.facts.repeated == 0);
    CHECK(json.record(alike) == "x: 1");
    CHECK(json.facts.repeated == 19'999);
}

TEST_CASE("where any integer is taken, a long one goes on as its digits, nested too") {
    reading json({.takes_any_integer = true});

    CHECK(
        json.record(R"({"a":18446744073709551615,"b":-9223372036854775808})") ==
        "a: 18446744073709551615u, b: -9223372036854775808");
    const auto packed = json.value("[1,18446744073709551616,\"18446744073709551616\"]");
    CHECK(packed.find("18446744073709551616\"") != std::string::npos); // the text stays one
    CHECK_FALSE(json.record(R"({"a":18446744073709551616})").starts_with("!"));
    CHECK_FALSE(json.record(R"({"a":-9223372036854775809})").starts_with("!"));
    CHECK(json.record(R"({18446744073709551616:1})").starts_with("!"));
    CHECK(json.record(R"({"a":018446744073709551616})").starts_with("!"));
    CHECK(json.record(R"({"a":1e400})").starts_with("!"));
    CHECK(json.record(R"({"a":18446744073709551616)").starts_with("!"));
    CHECK(reading().record(R"({"a":18446744073709551616})").starts_with("!"));
}

TEST_CASE("reserved keys stay where they are to be renamed") {
    reading json({.keeps_reserved = true});

    CHECK(json.record(R"({"MONA_x":1,"a":2})") == "MONA_x: 1, a: 2");
    CHECK(json.facts.stripped == 0);
}
}
