#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "support/golden.hpp"
#include "support/msgpack_text.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::encode;
using namespace std::string_view_literals;

namespace {

std::string written(const std::function<void(msgpack_writer&)>& write) {
    byte_buffer out;
    msgpack_writer to(out);
    write(to);
    return std::string(out.view());
}

std::string hex(const std::function<void(msgpack_writer&)>& write) {
    return support::to_hex(written(write));
}

} // namespace

TEST_SUITE("encode/msgpack_writer") {
TEST_CASE("nil and booleans are one byte") {
    CHECK(hex([](auto& to) { to.nil(); }) == "c0");
    CHECK(hex([](auto& to) { to.boolean(false); }) == "c2");
    CHECK(hex([](auto& to) { to.boolean(true); }) == "c3");
}

TEST_CASE("an integer takes the shortest form, and reads back as itself") {
    struct row {
        std::int64_t value;
        std::string_view bytes;
    };
    const row rows[] = {
        {0, "00"},
        {1, "01"},
        {127, "7f"},
        {128, "cc80"},
        {255, "ccff"},
        {256, "cd0100"},
        {65'535, "cdffff"},
        {65'536, "ce00010000"},
        {1'700'000'000, "ce6553f100"},
        {4'294'967'295, "ceffffffff"},
        {4'294'967'296, "cf0000000100000000"},
        {std::numeric_limits<std::int64_t>::max(), "cf7fffffffffffffff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0df"},
        {-128, "d080"},
        {-129, "d1ff7f"},
        {-32'768, "d18000"},
        {-32'769, "d2ffff7fff"},
        {-2'147'483'648, "d280000000"},
        {-2'147'483'649, "d3ffffffff7fffffff"},
        {std::numeric_limits<std::int64_t>::min(), "d38000000000000000"},
    };

    for (const auto& [value, bytes] : rows) {
        CAPTURE(value);
        const auto got = written([v = value](auto& to) { to.integer(v); });
        CHECK(support::to_hex(got) == bytes);
        msgpack_reader reader(got);
        std::int64_t read = 0;
        CHECK(reader.read_integer(read) == read_status::ok);
        CHECK(read == value);
        CHECK(reader.at_end());
        if (value >= 0) {
            CHECK(
                hex([v = value](auto& to) { to.natural(static_cast<std::uint64_t>(v)); }) == bytes);
        }
    }
    CHECK(hex([](auto& to) { to.natural(UINT64_MAX); }) == "cfffffffffffffffff");
    CHECK(hex([](auto& to) { to.natural(std::uint64_t{1} << 63); }) == "cf8000000000000000");
}

TEST_CASE("a real is always a float 64 with its bits as they are") {
    const double values[] = {
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        std::numeric_limits<double>::denorm_min(),
        std::numeric_limits<double>::max(),
        std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN(),
        std::bit_cast<double>(0xfff8'0000'0000'0123u)};

    for (const double value : values) {
        const auto got = written([&](auto& to) { to.real(value); });
        CHECK(got.size() == 9);
        CHECK(got[0] == '\xcb');
        msgpack_reader reader(got);
        double read = 0;
        CHECK(reader.read_number(read) == read_status::ok);
        CHECK(std::bit_cast<std::uint64_t>(read) == std::bit_cast<std::uint64_t>(value));
    }
    CHECK(hex([](auto& to) { to.real(1.0); }) == "cb3ff0000000000000");
}

TEST_CASE("a text takes the shortest head, str 8 included") {
    struct row {
        std::size_t size;
        std::string_view head;
    };
    const row rows[] = {
        {0, "a0"},
        {1, "a1"},
        {31, "bf"},
        {32, "d920"},
        {255, "d9ff"},
        {256, "da0100"},
        {65'535, "daffff"},
        {65'536, "db00010000"},
        {1'000'000, "db000f4240"}};

    for (const auto& [size, head] : rows) {
        CAPTURE(size);
        const std::string text(size, 't');
        const auto got = written([&](auto& to) { to.text(text); });
        CHECK(got == support::from_hex(head) + text);
        msgpack_reader reader(got);
        std::string_view read;
        CHECK(reader.read_text(read) == read_status::ok);
        CHECK(read == text);
        CHECK(reader.at_end());
    }
    CHECK(
        written([](auto& to) { to.text("a\0\xff"sv); }) == "\xa3"
                                                           "a\0\xff"sv);
}

TEST_CASE("binary takes the shortest head") {
    struct row {
        std::size_t size;
        std::string_view head;
    };
    const row rows[] = {
        {0, "c400"},
        {31, "c41f"},
        {32, "c420"},
        {255, "c4ff"},
        {256, "c50100"},
        {65'535, "c5ffff"},
        {65'536, "c600010000"}};

    for (const auto& [size, head] : rows) {
        CAPTURE(size);
        const std::string bytes(size, '\xc1');
        const auto got = written([&](auto& to) {
            to.binary_head(bytes.size());
            to.raw(bytes);
        });
        CHECK(got == support::from_hex(head) + bytes);
        msgpack_reader reader(got);
        std::string_view read;
        CHECK(reader.read_binary(read) == read_status::ok);
        CHECK(read == bytes);
    }
}

TEST_CASE("arrays and maps take the shortest head") {
    struct row {
        std::size_t count;
        std::string_view array, map;
    };
    const row rows[] = {
        {0, "90", "80"},
        {1, "91", "81"},
        {15, "9f", "8f"},
        {16, "dc0010", "de0010"},
        {65'535, "dcffff", "deffff"},
        {65'536, "dd00010000", "df00010000"}};

    for (const auto& [count, array, map] : rows) {
        CAPTURE(count);
        const auto as_array = written([n = count](auto& to) { to.array(n); });
        const auto as_map = written([n = count](auto& to) { to.map(n); });
        CHECK(support::to_hex(as_array) == array);
        CHECK(support::to_hex(as_map) == map);
        std::uint32_t read = 0;
        CHECK(msgpack_reader(as_array).read_array(read) == read_status::ok);
        CHECK(read == count);
        CHECK(msgpack_reader(as_map).read_map(read) == read_status::ok);
        CHECK(read == count);
    }
}

TEST_CASE("what is written goes behind what the buffer holds") {
    byte_buffer out;
    out.append("before");
    msgpack_writer to(out);

    to.array(2);
    to.text("x");
    to.raw("\xc0");

    CHECK(out.view() == "before\x92\xa1x\xc0");
}
}

namespace {

// Writes again what the reader finds; the rare extension as it is.
void rewrite(msgpack_reader& from, msgpack_writer& to) {
    msgpack_token token;
    const auto before = from.rest();
    REQUIRE(from.next(token) == read_status::ok);
    switch (token.kind) {
    case msgpack_kind::nil: to.nil(); break;
    case msgpack_kind::boolean: to.boolean(token.boolean); break;
    case msgpack_kind::unsigned_integer: to.natural(token.unsigned_value); break;
    case msgpack_kind::negative_integer: to.integer(token.negative_value); break;
    case msgpack_kind::float_number: to.real(token.number); break;
    case msgpack_kind::text: to.text(token.bytes); break;
    case msgpack_kind::binary:
        to.binary_head(token.bytes.size());
        to.raw(token.bytes);
        break;
    case msgpack_kind::extension:
        to.raw(before.substr(0, before.size() - from.rest().size()));
        break;
    case msgpack_kind::array: to.array(token.count); break;
    case msgpack_kind::map: to.map(token.count); break;
    }
    const auto inside = token.kind == msgpack_kind::map ? 2 * token.count : token.count;
    for (std::uint32_t i = 0; i < inside; ++i) {
        rewrite(from, to);
    }
}

} // namespace

TEST_SUITE("encode/msgpack_writer") {
TEST_CASE("byte strings that receivers took are written again byte for byte") {
    int compared = 0;
    for (const auto& one : support::forward_vectors("byte strings are written again")) {
        const bool is_other = one.id.starts_with("json_") || one.id == "never_used_byte";
        const bool is_longer_than_needed = one.id == "msg_uint64time" || one.id == "packed_str";
        if (one.bytes.empty() || is_other || is_longer_than_needed) {
            continue;
        }
        CAPTURE(one.id);
        byte_buffer out;
        msgpack_writer to(out);
        msgpack_reader reader(one.bytes);
        while (!reader.at_end()) {
            rewrite(reader, to);
        }
        CHECK(support::to_hex(out.view()) == support::to_hex(one.bytes));
        ++compared;
    }
    CHECK((compared == 0 || compared > 50));
}
}
