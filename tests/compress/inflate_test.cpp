#include "compress/gzip.hpp"
#include "compress/inflate.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::compress;
using namespace std::string_view_literals;

namespace {

std::string packed(std::string_view bytes) {
    return *gzip(codec::zlib, bytes);
}

std::error_code error_of(std::string_view gz, const inflate_limits& limits = {}) {
    const auto out = inflate(gz, limits);
    return out ? std::error_code() : out.error();
}

} // namespace

TEST_SUITE("compress/inflate") {
TEST_CASE("members one after the other are joined") {
    const auto out = inflate(packed("one ") + packed("") + packed("two"));

    REQUIRE(out.has_value());
    CHECK(*out == "one two");
}

TEST_CASE("no bytes hold nothing") {
    const auto out = inflate("");

    REQUIRE(out.has_value());
    CHECK(out->empty());
}

TEST_CASE("a member that is cut off anywhere is bad data") {
    const auto whole = packed("some text that is long enough to be compressed, some text at least");

    for (std::size_t length = 1; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK(error_of(std::string_view(whole).substr(0, length)) == errc::bad_data);
        CHECK(error_of(whole + whole.substr(0, length)) == errc::bad_data);
    }
}

TEST_CASE("junk behind a member is bad data") {
    CHECK(error_of(packed("text") + "garbage") == errc::bad_data);
    CHECK(error_of(packed("text") + '\0') == errc::bad_data);
}

TEST_CASE("a wrong checksum or length in the trailer is bad data") {
    for (std::size_t from_end = 1; from_end <= 8; ++from_end) {
        CAPTURE(from_end);
        auto gz = packed("text");
        gz[gz.size() - from_end] = static_cast<char>(gz[gz.size() - from_end] ^ 0x10);
        CHECK(error_of(gz) == errc::bad_data);
    }
}

TEST_CASE("zlib's own format and plain text are bad data") {
    CHECK(error_of("\x78\x9c\x03\x00\x00\x00\x00\x01"sv) == errc::bad_data);
    CHECK(error_of("text") == errc::bad_data);
    CHECK(error_of("\x1f"sv) == errc::bad_data);
}

TEST_CASE("D-13.2 the limit on inflated bytes is exact") {
    const auto gz = packed(std::string(100'000, 'x')) + packed("y");

    CHECK(inflate(gz, {.max_bytes = 100'001}).has_value());
    CHECK(error_of(gz, {.max_bytes = 100'000}) == errc::too_large);
    CHECK(error_of(gz, {.max_bytes = 0}) == errc::too_large);
}

TEST_CASE("D-13.2 a bomb is refused by its ratio, beyond the bytes that are free") {
    const auto gz = packed(std::string(30'000'000, '\0'));
    REQUIRE(gz.size() < 145'000);

    CHECK(error_of(gz) == errc::too_large);
    CHECK(inflate(packed(std::string(1'000'000, '\0'))).has_value());
    CHECK(inflate(gz, {.max_ratio = 2000}).has_value());
    CHECK(inflate(gz, {.max_ratio = 0, .free_bytes = 30'000'000}).has_value());
    CHECK(error_of(gz, {.max_ratio = 0, .free_bytes = 29'999'999}) == errc::too_large);
}

TEST_CASE("limits as large as can be do not overflow") {
    constexpr auto max = static_cast<std::size_t>(-1);

    CHECK(inflate(packed("text"), {.max_bytes = max, .max_ratio = max, .free_bytes = max})
              .has_value());
}
}
