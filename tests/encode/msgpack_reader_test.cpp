#include "encode/msgpack_reader.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using namespace monarc::encode;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// {"ack": "AB"}, then an array that uses every kind of head with a short payload.
const std::string every_kind =
    "\x81\xa3"
    "ack\xa2"
    "AB"
    "\x9f"         // 15 elements
    "\xc0\xc2\xc3" // nil, false, true
    "\xc4\x01"
    "b\xc5\x00\x01"
    "b\xc6\x00\x00\x00\x01"
    "b" // bin 8, 16, 32
    "\xc7\x01\x05"
    "e\xd4\x06"
    "f\xd7\x00\x65\x53\xf1\x00\x00\x00\x00\x07"                // ext 8, fixext 1, fixext 8
    "\xca\x3f\x00\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00" // 0.5, 1.5
    "\xd9\x01t\xda\x00\x01t"                                   // str 8, str 16
    "\xdc\x00\x01\x01\xde\x00\x01\xa1k\x90"s;                  // array 16, map 16

std::string repeat(std::string_view piece, int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += piece;
    return out;
}

} // namespace

TEST_SUITE("encode/msgpack_reader") {
TEST_CASE("an acknowledgement is read piece by piece") {
    msgpack_reader reader(every_kind);
    std::uint32_t pairs = 0;
    std::string_view key;
    std::string_view value;

    CHECK(reader.read_map(pairs) == read_status::ok);
    CHECK(reader.read_text(key) == read_status::ok);
    CHECK(reader.read_text(value) == read_status::ok);

    CHECK(pairs == 1);
    CHECK(key == "ack");
    CHECK(value == "AB");
    CHECK(reader.position() == 8);
}

TEST_CASE("integers are read whatever width the peer chose") {
    const auto input =
        "\x05\xcc\xff\xcd\x01\x00\xce\x65\x53\xf1\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xe0\xd0\x80\xd1\xff\x00\xd2\x80\x00\x00\x00\xd3\x80\x00\x00\x00\x00\x00\x00\x00"
        "\xd0\x07\xd3\x00\x00\x00\x00\x00\x00\x00\x09"sv;
    msgpack_reader reader(input);

    for (const std::uint64_t expected :
         {std::uint64_t{5},
          std::uint64_t{255},
          std::uint64_t{256},
          std::uint64_t{1'700'000'000},
          std::numeric_limits<std::uint64_t>::max()}) {
        std::uint64_t value = 0;
        CHECK(reader.read_unsigned(value) == read_status::ok);
        CHECK(value == expected);
    }
    for (const std::int64_t expected :
         {std::int64_t{-32},
          std::int64_t{-128},
          std::int64_t{-256},
          std::int64_t{std::numeric_limits<std::int32_t>::min()},
          std::numeric_limits<std::int64_t>::min(),
          std::int64_t{7},
          std::int64_t{9}}) {
        std::int64_t value = 0;
        CHECK(reader.read_integer(value) == read_status::ok);
        CHECK(value == expected);
    }
    CHECK(reader.at_end());
}

TEST_CASE("an integer that does not fit is a mismatch and stays where it is") {
    msgpack_reader reader("\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv);
    std::int64_t whole = 1;
    std::uint64_t natural = 0;

    CHECK(reader.read_integer(whole) == read_status::mismatch);
    CHECK(reader.position() == 0);
    CHECK(reader.read_unsigned(natural) == read_status::ok);
    CHECK(reader.read_unsigned(natural) == read_status::mismatch);
    CHECK(whole == 1);
}

TEST_CASE("floats of both widths and integers are numbers") {
    msgpack_reader reader(
        "\xca\x3f\x00\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\x07\xff\xa1x"sv);
    double value = 0;

    CHECK(reader.read_number(value) == read_status::ok);
    CHECK(value == 0.5);
    CHECK(reader.read_number(value) == read_status::ok);
    CHECK(value == 1.5);
    CHECK(reader.read_number(value) == read_status::ok);
    CHECK(value == 7.0);
    CHECK(reader.read_number(value) == read_status::ok);
    CHECK(value == -1.0);
    CHECK(reader.read_number(value) == read_status::mismatch);
}

TEST_CASE("text, binary and extensions are views of the input") {
    msgpack_reader reader(
        "\xa1t\xd9\x01u\xda\x00\x01v\xdb\x00\x00\x00\x01w\xc4\x01y\xc5\x00\x01z"
        "\xc6\x00\x00\x00\x01!\xd7\x00\x65\x53\xf1\x00\x00\x00\x00\x07\xc7\x03\xff"
        "abc"sv);
    std::string text;
    std::string_view piece;
    for (int i = 0; i < 4; ++i) {
        CHECK(reader.read_text(piece) == read_status::ok);
        text += piece;
    }
    CHECK(reader.read_text(piece) == read_status::mismatch);
    for (int i = 0; i < 2; ++i) {
        CHECK(reader.read_binary(piece) == read_status::ok);
        text += piece;
    }
    CHECK(reader.read_bytes(piece) == read_status::ok);
    text += piece;
    CHECK(text == "tuvwyz!");

    std::int8_t type = 99;
    CHECK(reader.read_extension(type, piece) == read_status::ok);
    CHECK(type == 0);
    CHECK(piece.size() == 8);
    CHECK(reader.read_extension(type, piece) == read_status::ok);
    CHECK(type == -1);
    CHECK(piece == "abc");
    CHECK(reader.at_end());
}

TEST_CASE("every proper beginning of an object asks for more and moves nothing") {
    const auto objects = std::string_view(every_kind);
    msgpack_reader whole(objects);
    REQUIRE(whole.skip() == read_status::ok);
    const auto first = whole.position();
    REQUIRE(whole.skip() == read_status::ok);
    REQUIRE(whole.at_end());

    for (std::size_t length = first; length < objects.size(); ++length) {
        const auto cut = objects.substr(first, length - first);
        CAPTURE(length);
        msgpack_reader reader(cut);
        CHECK(reader.skip() == read_status::more);
        CHECK(reader.position() == 0);
    }
}

TEST_CASE("byte c1 is malformed wherever an object begins") {
    for (const auto input : {"\xc1"sv, "\x92\x01\xc1"sv, "\x81\xc1\x01"sv, "\x81\xa1k\xc1"sv}) {
        msgpack_reader reader(input);
        CHECK(reader.skip() == read_status::malformed);
        CHECK(reader.position() == 0);
    }
    msgpack_token token;
    CHECK(msgpack_reader("\xc1"sv).next(token) == read_status::malformed);
    CHECK(msgpack_reader("\xa1\xc1"sv).skip() == read_status::ok);
}

TEST_CASE("sixteen levels are read, seventeen are malformed before the rest is looked at") {
    const auto deep = repeat("\x91", 15) + "\x90";
    const auto deeper = repeat("\x91", 17);

    CHECK(msgpack_reader(deep).skip() == read_status::ok);
    CHECK(msgpack_reader(deeper).skip() == read_status::malformed);
    CHECK(msgpack_reader("\x91\x90"sv).skip(1) == read_status::malformed);
    CHECK(msgpack_reader("\x05"sv).skip(0) == read_status::ok);
}

TEST_CASE("a length that is only claimed is never believed") {
    msgpack_reader reader("\xdb\xff\xff\xff\xff"
                          "abc"sv);
    std::string_view text;

    CHECK(reader.read_text(text) == read_status::more);
    CHECK(reader.skip() == read_status::more);
    CHECK(text.empty());

    msgpack_reader elements("\xdd\xff\xff\xff\xff\x01\x02"sv);
    std::uint32_t count = 0;
    CHECK(elements.skip() == read_status::more);
    CHECK(elements.read_array(count) == read_status::ok);
    CHECK(count == 0xffff'ffff);
}

TEST_CASE("skip hands out the encoding of what it passed") {
    msgpack_reader reader("\x2a\x92\x01\x02\xa1x"sv);
    std::string_view raw;

    CHECK(reader.skip(raw) == read_status::ok);
    CHECK(raw == "\x2a"sv);
    CHECK(reader.skip(raw) == read_status::ok);
    CHECK(raw == "\x92\x01\x02"sv);
    CHECK(reader.rest() == "\xa1x"sv);
}
}

TEST_SUITE("encode/msgpack_framer") {
TEST_CASE("an object that trickles in byte by byte is found at its last byte") {
    const std::string input = every_kind.substr(8) + "\x05";
    msgpack_framer framer;

    for (std::size_t length = 0; length < input.size() - 1; ++length) {
        CAPTURE(length);
        CHECK(framer.scan(std::string_view(input).substr(0, length)) == read_status::more);
        CHECK(framer.size() > length);
    }
    CHECK(framer.scan(input) == read_status::ok);
    CHECK(framer.size() == input.size() - 1);

    framer.reset();
    CHECK(framer.scan("\x05"sv) == read_status::ok);
    CHECK(framer.size() == 1);
}

TEST_CASE("a claim is known as soon as its head is there") {
    msgpack_framer text;
    CHECK(text.scan("\x92\xdb\x40\x00\x00\x00"sv) == read_status::more);
    CHECK(text.size() == 6 + (std::size_t{1} << 30) + 1);

    msgpack_framer elements;
    CHECK(elements.scan("\xdd\x40\x00\x00\x00"sv) == read_status::more);
    CHECK(elements.size() == 5 + (std::size_t{1} << 30));

    msgpack_framer pairs;
    CHECK(pairs.scan("\xdf\x40\x00\x00\x00"sv) == read_status::more);
    CHECK(pairs.size() == 5 + (std::size_t{2} << 30));
}
}
