#include "core/monasca_rules.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

using namespace monarc::monasca_rules;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    while (times-- > 0) {
        all += text;
    }
    return all;
}

constexpr auto emoji = "\U0001F600"sv; // two UTF-16 units, four bytes
constexpr auto euro = "\u20ac"sv;      // one unit, three bytes

bool is_good_name(std::string_view name) {
    return why_not_name(name).empty();
}
bool is_good_key(std::string_view key) {
    return why_not_dimension_key(key).empty();
}
bool is_good_value(std::string_view value) {
    return why_not_dimension_value(value).empty();
}

text_pairs dimensions_of(std::size_t count, std::size_t value_bytes = 1) {
    text_pairs all;
    for (std::size_t i = 0; i < count; ++i) {
        all.emplace_back("k" + std::to_string(100 + i), std::string(value_bytes, 'v'));
    }
    return all;
}

} // namespace

TEST_SUITE("core/monasca_rules") {
TEST_CASE("names, keys and values have 1 to 255 UTF-16 units") {
    for (const auto is_good : {is_good_name, is_good_key, is_good_value}) {
        CHECK_FALSE(is_good(""));
        CHECK(is_good("a"));
        CHECK(is_good(std::string(255, 'a')));
        CHECK_FALSE(is_good(std::string(256, 'a')));
        CHECK(is_good(repeated(euro, 255)));
        CHECK_FALSE(is_good(repeated(euro, 256)));
        CHECK(is_good(repeated(emoji, 127) + "a"));
        CHECK_FALSE(is_good(repeated(emoji, 128)));
    }
}

TEST_CASE("a name holds none of the characters that Monasca refuses") {
    for (const char c : "<>={},\"\\;&() "sv) {
        CAPTURE(c);
        CHECK_FALSE(is_good_name("a"s + c + "b"));
    }
    CHECK(is_good_name("http.requests-5xx_total/s|a:b'c%#@!"));
    CHECK(is_good_name("\u00e4\u20ac\U0001F600"));
}

TEST_CASE("a dimension's key and value hold none of the characters that either API refuses") {
    for (const char c : "<>={},\"\\;&()|"sv) {
        CAPTURE(c);
        CHECK_FALSE(is_good_key("a"s + c + "b"));
        CHECK_FALSE(is_good_value("a"s + c + "b"));
    }
    CHECK(is_good_key("a b:c'd"));
    CHECK(is_good_value("a b:c'd \u20ac"));
}

TEST_CASE("control characters kill the store, so nothing holds one") {
    for (std::uint32_t code = 0; code < 0xa0; code = code == 0x1f ? 0x7f : code + 1) {
        std::string text = "a";
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else {
            text += '\xc2';
            text += static_cast<char>(code);
        }
        text += 'b';
        CAPTURE(code);
        CHECK_FALSE(is_good_name(text));
        CHECK_FALSE(is_good_key(text));
        CHECK_FALSE(is_good_value(text));
    }
}

TEST_CASE("a name neither begins nor ends with white space") {
    for (const auto space : {"\u00a0"sv, "\u2003"sv, "\u3000"sv, "\u2028"sv}) {
        CHECK_FALSE(is_good_name(std::string(space) + "a"));
        CHECK_FALSE(is_good_name("a" + std::string(space)));
        CHECK(is_good_name("a" + std::string(space) + "b"));
    }
}

TEST_CASE("nothing but white space counts as empty") {
    for (const auto blank : {" "sv, "   "sv, "\u00a0"sv, " \u2003 "sv}) {
        CHECK_FALSE(is_good_name(blank));
        CHECK_FALSE(is_good_key(blank));
        CHECK_FALSE(is_good_value(blank));
    }
    CHECK(is_good_value("a b"));
}

TEST_CASE(
    "white space around a dimension is refused: some servers take it off, and others do not") {
    for (const auto text : {" a"sv, "a "sv, "\u00a0a"sv, "a\u2003"sv}) {
        CHECK_FALSE(is_good_key(text));
        CHECK_FALSE(is_good_value(text));
    }
}

TEST_CASE("repairing writes '_' for white space around a value, and leaves it inside") {
    auto value = " \u00a0a b\u3000"s;

    CHECK(repair_dimension_value(value) == 3);
    CHECK(value == "__a b_");
}

TEST_CASE("a dimension is not named as the store's own columns, nor with '_' in front") {
    for (const auto key : {"time"sv, "value"sv, "value_meta"sv, "_a"sv, "_"sv}) {
        CAPTURE(key);
        CHECK_FALSE(is_good_key(key));
    }
    CHECK(is_good_key("Time"));
    CHECK(is_good_key("times"));
    CHECK(is_good_key("a_"));
    CHECK(is_good_value("time"));
    CHECK(is_good_value("_a"));
    CHECK(is_good_name("_time"));
}

TEST_CASE("what is not UTF-8 is refused") {
    for (const auto text :
         {"a\xff"sv, "\xc3"sv, "\xed\xa0\x80"sv, "\xf0\x9f\x98"sv, "\xc0\x80"sv}) {
        CHECK_FALSE(is_good_name(text));
        CHECK_FALSE(is_good_key(text));
        CHECK_FALSE(is_good_value(text));
    }
}

TEST_CASE("a refusal says what is wrong and where") {
    CHECK(why_not_name("ab=c") == "holds '=' at byte 2, which Monasca refuses");
    CHECK(why_not_dimension_value("\u20ac\n") == "holds U+000A at byte 3, which Monasca refuses");
    CHECK(why_not_name("") == "has 0 characters, 1 to 255 are allowed");
    CHECK(why_not_dimensions({{"time", "x"}}).starts_with("dimension time "));
    CHECK(why_not_dimensions({{"k", "a;b"}}).starts_with("value of dimension k holds ';'"));
}

TEST_CASE("a series has at most 32 dimensions") {
    CHECK(why_not_dimensions({}).empty());
    CHECK(why_not_dimensions(dimensions_of(32)).empty());
    CHECK_FALSE(why_not_dimensions(dimensions_of(33)).empty());
}

TEST_CASE("keys and values of all dimensions have at most 16 KiB") {
    // 32 dimensions of 4 + 508 bytes
    auto all = dimensions_of(32);
    for (auto& [key, value] : all) {
        value = repeated(emoji, 127);
    }

    CHECK(why_not_dimensions(all).empty());
    all.back().second = repeated(euro, 169) + "aa"; // 509
    CHECK_FALSE(why_not_dimensions(all).empty());
}

TEST_CASE("D-4.2 repairing writes '_' for each forbidden character and says how many") {
    auto value = "a<b>\t\u0085(\u20ac|\U0001F600)"s;

    CHECK(repair_dimension_value(value) == 7);
    CHECK(value == "a_b____\u20ac_\U0001F600_");
    CHECK(why_not_dimension_value(value).empty());
    CHECK(repair_dimension_value(value) == 0);
}

TEST_CASE("repairing leaves a value of another fault as it is") {
    for (const auto& whole : {""s, "  "s, std::string(300, 'a')}) {
        auto value = whole;
        CHECK(repair_dimension_value(value) == 0);
        CHECK(value == whole);
    }
}

TEST_CASE("value_meta is measured as Python prints it: 2039 v's pass, 2040 fail") {
    CHECK(is_good_meta({{"k", std::string(2039, 'v')}}));
    CHECK_FALSE(is_good_meta({{"k", std::string(2040, 'v')}}));
}

TEST_CASE("in value_meta each character costs what Python's escape of it has") {
    struct cost {
        std::string_view text;
        std::size_t characters;
    };
    const cost costs[] = {{"\u00e9", 6}, {"\u20ac", 6}, {"\uffff", 6}, {"\U00010000", 12},
                          {emoji, 12},   {"\x01"sv, 6}, {"\0"sv, 6},   {"\x7f", 6},
                          {"\x1f", 6},   {"\n", 2},     {"\r", 2},     {"\t", 2},
                          {"\b", 2},     {"\f", 2},     {"\"", 2},     {"\\", 2},
                          {"/", 1},      {"'", 1},      {" ", 1},      {"~", 1}};
    for (const auto& [text, characters] : costs) {
        CAPTURE(text);
        const auto padded = [&](std::size_t v) {
            return text_pairs{{"k", std::string(text) + std::string(v, 'v')}};
        };
        CHECK(is_good_meta(padded(2039 - characters)));
        CHECK_FALSE(is_good_meta(padded(2040 - characters)));
    }
}

TEST_CASE("between the entries of value_meta there are two characters") {
    constexpr auto around = R"({"a": "", "b": ""})"sv;
    CHECK(is_good_meta({{"a", std::string(2048 - around.size(), 'v')}, {"b", ""}}));
    CHECK_FALSE(is_good_meta({{"a", std::string(2049 - around.size(), 'v')}, {"b", ""}}));
}

TEST_CASE("value_meta has at most 16 entries, and may have none") {
    CHECK(is_good_meta({}));
    CHECK(is_good_meta(dimensions_of(16)));
    CHECK_FALSE(is_good_meta(dimensions_of(17)));
}

TEST_CASE("a key of value_meta has 1 to 255 UTF-16 units, its value may be empty") {
    CHECK_FALSE(is_good_meta({{"", "v"}}));
    CHECK(is_good_meta({{std::string(255, 'k'), ""}}));
    CHECK_FALSE(is_good_meta({{std::string(256, 'k'), "v"}}));
    CHECK(is_good_meta({{repeated(emoji, 127), "v"}}));
    CHECK_FALSE(is_good_meta({{repeated(emoji, 128), "v"}}));
}

TEST_CASE("a time lies between 13 days ago and a minute ahead") {
    constexpr std::int64_t now = 1'795'293'815'967;
    constexpr std::int64_t day = 24LL * 3600 * 1000;

    CHECK(is_good_time(now, now));
    CHECK(is_good_time(now - 13 * day, now));
    CHECK_FALSE(is_good_time(now - 13 * day - 1, now));
    CHECK(is_good_time(now + 60'000, now));
    CHECK_FALSE(is_good_time(now + 60'001, now));
    CHECK_FALSE(is_good_time(now / 1000, now)); // seconds
    CHECK_FALSE(is_good_time(now * 1000, now)); // microseconds
    CHECK_FALSE(is_good_time(0, now));
    CHECK_FALSE(is_good_time(-1, now));
}
}
