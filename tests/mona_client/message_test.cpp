#include "mona_client/message_fields.hpp"
#include "mona_client/time_uuid.hpp"
#include "support/msgpack_text.hpp"

#include <monarc/mona_client.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::literals;
using namespace monarc::mona_client;
using fault = message_fields::fault;

namespace {

std::string value_text(std::string_view json) {
    const auto packed = read_value(json);
    return packed ? support::as_text(*packed) : "no JSON";
}

std::string nested(std::size_t levels) {
    return R"({"n":)" + std::string(levels, '[') + '1' + std::string(levels, ']') + '}';
}

} // namespace

TEST_SUITE("mona_client/message") {
TEST_CASE("a message is an object, and what is none is told apart from what is no JSON") {
    CHECK(read_message(R"({"a":1})").wrong == fault::none);
    for (const char* const text : {"null", "1", "\"x\"", "[1]"}) {
        CHECK(read_message(text).wrong == fault::not_object);
    }
    for (const char* const text :
         {"",
          "{oops",
          "{\"a\":<$bytes>}",
          "{\"a\":18446744073709551616}",
          "{\"a\":-9223372036854775809}",
          "{\"a\":\"\\ud800\"}"}) {
        CAPTURE(text);
        CHECK(read_message(text).wrong == fault::not_json);
    }
}

TEST_CASE("reserved keys of the top level are taken out, so that nothing may be left") {
    CHECK(read_message(R"({"MONA_X":1,"MONA_":2})").body.empty());
    CHECK(read_message(R"({"MONA_X":1})").facts.stripped == 1);
    CHECK_FALSE(read_message(R"({"MONA":1})").body.empty());
    CHECK(read_message("{}").body.empty());
}

TEST_CASE("a message nests as deep as the original's packer goes") {
    CHECK(read_message(nested(508)).wrong == fault::none);
    CHECK(read_message(nested(509)).wrong == fault::not_json);
}

TEST_CASE("numbers that are not finite are numbers, their words in a text are not") {
    CHECK(
        value_text(R"([NaN, Infinity, -Infinity, {"a": NaN}])") ==
        "[nan, inf, -inf, {\"a\": nan}]");
    CHECK(value_text(R"(["NaN", "a\"NaN", 1])") == R"(["NaN", "a"NaN", 1])");
    CHECK(value_text(R"(["\u0000NaN", NaN])") == std::string("[\"\0NaN\", nan]", 13));
    CHECK(value_text(R"({NaN: 1})") == "no JSON");
    CHECK(value_text("[NaNa]") == "no JSON");
    CHECK(value_text("[nan]") == "no JSON");
    CHECK(value_text("-Infinit") == "no JSON");
}

TEST_CASE("a text made of fields is the JSON of these fields") {
    const std::vector<double> numbers{1, 0.5, std::numeric_limits<double>::infinity()};
    const mona::message made = object(
        "null"_key = nullptr,
        "yes"_key = true,
        "whole"_key = -3,
        "real"_key = 1.0,
        "text"_key = "a\"b",
        "missing"_key = std::optional<int>(),
        "there"_key = std::optional<int>(7),
        "many"_key = numbers,
        "list"_key = array(1, "x", object("k"_key = 2)),
        "json"_key = json("[true]"));

    CHECK(
        made.text() ==
        R"({"null":null,"yes":true,"whole":-3,"real":1.0,"text":"a\"b","missing":null,"there":7,)"
        R"("many":[1.0,0.5,Infinity],"list":[1,"x",{"k":2}],"json":[true]})");
    CHECK(read_message(made.text()).wrong == fault::none);
}

TEST_CASE("a record is a message, too") {
    record fields;
    fields.add(key("a"), 1)
        .add(key("b"), 2.0)
        .add(key("c"), "x")
        .add(key("d"), nullptr)
        .add(key("e"), true);

    CHECK(mona::message(fields).text() == R"({"a":1,"b":2.0,"c":"x","d":null,"e":true})");
    CHECK(mona::message(record()).text() == "{}");
    fields.add(key("f"), std::string(5000, 'x'));
    CHECK(read_message(mona::message(fields).text()).wrong == fault::not_json);
}

TEST_CASE("ids that nobody gave are uuids of version 1, and none comes twice") {
    const std::regex version_1(
        "[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    std::set<std::string> all;
    for (int i = 0; i < 1000; ++i) {
        const auto id = time_uuid();
        CHECK(std::regex_match(id, version_1));
        all.insert(id);
    }
    CHECK(all.size() == 1000);
}
}
