#include "sink/json_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace monarc::sink;
using namespace std::string_view_literals;

namespace {

std::string json_of(std::string_view msgpack) {
    std::string out;
    append_json(out, msgpack);
    return out;
}

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

} // namespace

TEST_SUITE("sink/json_text") {
TEST_CASE("scalars keep their type") {
    CHECK(json_of("\xc0"sv) == "null");
    CHECK(json_of("\xc3"sv) == "true");
    CHECK(json_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"sv) == "18446744073709551615");
    CHECK(json_of("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"sv) == "-9223372036854775808");
    CHECK(json_of("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"sv) == "1.0");
    CHECK(json_of("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"sv) == "0.1");
    CHECK(json_of("\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"sv) == "1e+300");
}

TEST_CASE("what JSON cannot say is written as text, or marked") {
    CHECK(json_of("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"sv) == "\"NaN\"");
    CHECK(json_of("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"sv) == "\"-Infinity\"");
    CHECK(json_of("\xd4\x05\xab"sv) == "{\"$ext\":5,\"$bytes\":\"ab\"}");
    CHECK(json_of("\x82\x01\xa1v\x91\x02\xc0"sv) == "{\"1\":\"v\",\"[2]\":null}");
}

TEST_CASE("containers nest") {
    CHECK(json_of("\x81\xa1k\x93\x01\x90\x80"sv) == "{\"k\":[1,[],{}]}");
}

TEST_CASE("strings are escaped as JSON wants it") {
    CHECK(quoted("a\"b\\c\n\r\t\x01\x1f/"sv) == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f/\"");
    CHECK(quoted(""sv) == "\"\"");
    CHECK(
        quoted("gr\xc3\xb6\xc3\x9f"
               "e \xf0\x9f\x98\x80"sv) == "\"gr\xc3\xb6\xc3\x9f"
                                          "e \xf0\x9f\x98\x80\"");
}

TEST_CASE("each byte that is no UTF-8 becomes U+FFFD") {
    constexpr auto bad = "\xef\xbf\xbd"sv;
    const auto once = std::string(bad);
    const auto twice = once + once;

    CHECK(quoted("a\xff\xfe"sv) == "\"a" + twice + "\"");
    CHECK(quoted("\xc0\x80"sv) == "\"" + twice + "\"");            // overlong
    CHECK(quoted("\xed\xa0\x80"sv) == "\"" + twice + once + "\""); // a surrogate
    CHECK(quoted("\xf4\x90\x80\x80"sv) == "\"" + twice + twice + "\"");
    CHECK(quoted("\xe2\x82"sv) == "\"" + twice + "\""); // cut off
}
}
