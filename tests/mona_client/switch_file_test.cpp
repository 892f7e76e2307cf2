#include "mona_client/switch_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using monarc::mona_client::read_switch_text;

TEST_SUITE("mona_client/switch_file") {
TEST_CASE("disable_all switches off when Python takes it for true") {
    for (const std::string_view value :
         {"true", "1", "-1", "0.5", "NaN", "\"false\"", "[0]", "{\"a\":null}"}) {
        CAPTURE(value);
        const auto reading = read_switch_text("{\"disable_all\": " + std::string(value) + "}");
        CHECK(reading.is_off);
        CHECK(reading.value == value);
        CHECK(reading.wrong == "");
    }
    for (const std::string_view value : {"false", "0", "0.0", "\"\"", "[]", "{}", "null"}) {
        CAPTURE(value);
        const auto reading = read_switch_text("{\"disable_all\": " + std::string(value) + "}");
        CHECK_FALSE(reading.is_off);
        CHECK(reading.value == value);
    }
}

TEST_CASE("of two members the last one holds, others mean nothing") {
    CHECK_FALSE(read_switch_text(R"({"disable_all": true, "disable_all": false})").is_off);
    CHECK(
        read_switch_text(R"({"x": [], "disable_all": true, "y": {"disable_all": false}})").is_off);
    CHECK_FALSE(read_switch_text(R"({"foo": 1})").is_off);
    CHECK(read_switch_text(R"({"foo": 1})").value == "false");
}

TEST_CASE("whatever is wrong means on, and says why") {
    CHECK(
        read_switch_text("\xef\xbb\xbf{\"disable_all\": true}").wrong ==
        "begins with a byte order mark");
    for (const std::string_view text : {"null", "1", "[1,2]", R"([["disable_all", true]])"}) {
        CHECK(read_switch_text(text).wrong == "is JSON, but no object");
        CHECK_FALSE(read_switch_text(text).is_off);
    }
    for (const std::string_view text :
         {"", "{oops", "{\"disable_all\": tr", "// off\n{\"disable_all\": true}"}) {
        CHECK(read_switch_text(text).wrong == "is no JSON");
        CHECK_FALSE(read_switch_text(text).is_off);
    }
}
}
