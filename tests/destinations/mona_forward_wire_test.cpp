#include "aggregate/aggregator.hpp"
#include "compress/inflate.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "support/events.hpp"
#include "support/golden.hpp"
#include "support/msgpack_text.hpp"
#include "support/records.hpp"

#include <monarc/error.hpp>
#include <monarc/field.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace monarc::destinations;
using namespace std::string_literals;
using namespace std::string_view_literals;
using support::made;
using support::made_record;
using support::second;

namespace {

using random_bytes = std::array<unsigned char, 16>;

// What forward.md section 14 uses: base64 AAECAwQFBgcICQoLDA0ODw==.
constexpr random_bytes counted_bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::array<random_bytes, 2> two_ids{random_bytes{1}, random_bytes{2}};

constexpr std::int64_t pushed = 1'700'000'000;
constexpr std::int64_t exported = 1'600'000'000;

// As forward.md section 14 writes them.
constexpr std::string_view tag_hex = "b3 6d6f6e612e636c69656e742e6d657373616765";
constexpr std::string_view class_entry_hex =
    "ce 6553f100 84 a7757365725f6964 a6757365722d31 a7636f6e74657874 a26331 a76d657373616765"
    "81 ae4d4f4e415f4152435f434c415353 a141 b06578706f72745f74696d657374616d70 ce5f5e1000";
constexpr std::string_view fields_entry_hex =
    "ce 6553f100 84 a7757365725f6964 a6757365722d31 a7636f6e74657874 a26331 a76d657373616765"
    "81 a3666f6f a3626172 b06578706f72745f74696d657374616d70 ce5f5e1000";
constexpr std::string_view chunk_hex =
    "a56368756e6b b841414543417751464267634943516f4c4441304f44773d3d";

std::string bytes_of(std::initializer_list<std::string_view> hex) {
    std::string bytes;
    for (const auto piece : hex) {
        bytes += support::from_hex(piece);
    }
    return bytes;
}

mona_forward_options options(forward_mode mode, bool gzip, bool ack) {
    return {.user_id = "user-1", .mode = mode, .gzip = gzip, .ack = ack};
}

batch batch_of(const std::vector<made_record>& records, merge_mode merge = merge_mode::off) {
    aggregate::aggregator many({.merge = merge, .batch = {.max_bytes = 64u << 20}});
    for (const auto& record : records) {
        REQUIRE(many.add(record.view(), pushed * second, {}));
    }
    const auto& open = many.open_batch();
    batch copy;
    copy.entries = open.entries;
    copy.parts = open.parts;
    copy.bodies.append(open.bodies.view());
    copy.records = open.records;
    copy.class_messages = open.class_messages;
    return copy;
}

// The class message and the fields of the examples.
batch example() {
    return batch_of({made("A"_class("c1"), "foo"_key = "bar").at(exported * second)});
}

std::string wire_bytes(const payload& p) {
    return p.head + p.body + p.tail;
}

payload encoded(const mona_forward_options& o, const batch& b) {
    mona_forward_wire wire(o);
    auto p = wire.encode(b, counted_bytes);
    REQUIRE(p.has_value());
    CHECK(p->records == b.records);
    CHECK(p->has_class_messages == (b.class_messages != 0));
    CHECK(p->entry_records.size() == b.entries.size());
    CHECK(
        std::accumulate(p->entry_records.begin(), p->entry_records.end(), std::uint64_t{0}) ==
        b.records);
    return std::move(*p);
}

// The plain entries of a payload in mode packed or forward.
std::string entries_of(const payload& p) {
    return p.is_gzip ? *compress::inflate(p.body) : p.body;
}

std::string message_fields(const made_record& record) {
    mona_forward_wire wire(support::plain_packed());
    return support::events_of(wire, batch_of({record})).at(0).fields;
}

std::string layout_of_time_and_record(encode::msgpack_reader& reader) {
    encode::msgpack_token token;
    reader.next(token);
    const bool is_time =
        token.kind == encode::msgpack_kind::unsigned_integer ||
        (token.kind == encode::msgpack_kind::extension && token.extension_type == 0);
    encode::msgpack_kind kind{};
    reader.peek(kind);
    reader.skip();
    return is_time && kind == encode::msgpack_kind::map ? "time, R" : "?";
}

std::string layout_of_entries(encode::msgpack_reader& reader, std::uint32_t count) {
    std::string text;
    for (std::uint32_t i = 0; i < count && !reader.at_end(); ++i) {
        std::uint32_t two = 0;
        reader.read_array(two);
        text = two == 2 && (text.empty() || text == "[time, R]…")
                   ? '[' + layout_of_time_and_record(reader) + "]…"
                   : "?";
    }
    return text;
}

// T for the tag, R for a record; the members of the option sorted.
std::string layout(std::string_view bytes) {
    encode::msgpack_reader reader(bytes);
    std::uint32_t count = 0;
    std::string_view content;
    std::string text = "[";
    bool is_gzip = false;
    reader.read_array(count);
    text += reader.read_text(content) == encode::read_status::ok ? "T, " : "?, ";
    encode::msgpack_kind kind{};
    reader.peek(kind);
    std::uint32_t inside = 0;
    std::string entries;
    if (kind == encode::msgpack_kind::array) {
        reader.read_array(inside);
        text += '[' + layout_of_entries(reader, inside) + ']';
        --count;
    } else if (kind == encode::msgpack_kind::binary) {
        reader.read_binary(content);
        is_gzip = content.starts_with("\x1f\x8b");
        entries = is_gzip ? *compress::inflate(content) : std::string(content);
        encode::msgpack_reader in_entries(entries);
        text += (is_gzip ? "gzip(" : "bin(") + layout_of_entries(in_entries, 1'000'000) + ')';
        --count;
    } else {
        text += layout_of_time_and_record(reader);
        count -= 2;
    }
    if (count == 2) {
        std::vector<std::string> members;
        reader.read_map(inside);
        for (std::uint32_t i = 0; i < inside; ++i) {
            reader.read_text(content);
            std::string member(content);
            encode::msgpack_token value;
            reader.next(value);
            member += value.kind != encode::msgpack_kind::text ? ": number"
                      : member == "chunk"                      ? ": text"
                                                               : ": " + std::string(value.bytes);
            members.push_back(member);
        }
        std::sort(members.begin(), members.end());
        for (const auto& member : members) {
            text += (&member == members.data() ? ", {" : ", ") + member;
        }
        text += '}';
    }
    return text + (reader.at_end() ? "]" : "] and more");
}

} // namespace

TEST_SUITE("destinations/mona_forward_wire") {
TEST_CASE("forward.md 14 a message has the bytes of the example") {
    const auto p = encoded(
        options(forward_mode::message, true, false),
        batch_of({made(""_class("c1"), "foo"_key = "bar").at(exported * second)}));

    CHECK(wire_bytes(p) == bytes_of({"93", tag_hex, fields_entry_hex}));
    CHECK(wire_bytes(p).size() == 92);
    CHECK(p.id.empty());
    CHECK_FALSE(p.is_gzip);
}

TEST_CASE("mona-client.md 2 two messages back to back have the bytes of the example") {
    const auto p = encoded(options(forward_mode::message, false, false), example());

    CHECK(
        wire_bytes(p) ==
        bytes_of({"93", tag_hex, class_entry_hex, "93", tag_hex, fields_entry_hex}));
}

TEST_CASE("forward.md 14 only the last of several messages asks for an acknowledgement") {
    const auto p = encoded(options(forward_mode::message, false, true), example());

    CHECK(
        wire_bytes(p) ==
        bytes_of(
            {"93", tag_hex, class_entry_hex, "94", tag_hex, fields_entry_hex, "81", chunk_hex}));
    CHECK(p.id == "AAECAwQFBgcICQoLDA0ODw==");
}

TEST_CASE("forward.md 14 a Forward message has the bytes of the example") {
    const auto with_ack = encoded(options(forward_mode::forward, true, true), example());
    CHECK(
        wire_bytes(with_ack) == bytes_of(
                                    {"93",
                                     tag_hex,
                                     "92 92",
                                     class_entry_hex,
                                     "92",
                                     fields_entry_hex,
                                     "82 a473697a65 02",
                                     chunk_hex}));
    CHECK(wire_bytes(with_ack).size() == 213);

    const auto without = encoded(options(forward_mode::forward, true, false), example());
    CHECK(
        wire_bytes(without) ==
        bytes_of(
            {"93", tag_hex, "92 92", class_entry_hex, "92", fields_entry_hex, "81 a473697a65 02"}));
}

TEST_CASE("forward.md 14 a PackedForward message has the bytes of the example") {
    const auto with_ack = encoded(options(forward_mode::packed, false, true), example());
    CHECK(
        wire_bytes(with_ack) == bytes_of(
                                    {"93",
                                     tag_hex,
                                     "c499 92",
                                     class_entry_hex,
                                     "92",
                                     fields_entry_hex,
                                     "82 a473697a65 02",
                                     chunk_hex}));
    CHECK(wire_bytes(with_ack).size() == 214);
    CHECK(with_ack.plain_bytes == 153);

    const auto without = encoded(options(forward_mode::packed, false, false), example());
    CHECK(
        wire_bytes(without) == bytes_of(
                                   {"93",
                                    tag_hex,
                                    "c499 92",
                                    class_entry_hex,
                                    "92",
                                    fields_entry_hex,
                                    "81 a473697a65 02"}));
}

TEST_CASE(
    "forward.md 14 a CompressedPackedForward message has the option and inflates to its entries") {
    std::vector<made_record> records;
    std::string expected = bytes_of({"92", class_entry_hex});
    for (int i = 0; i < 40; ++i) {
        records.push_back(made("A"_class("c1"), "foo"_key = "bar").at(exported * second));
        expected += bytes_of({"92", fields_entry_hex});
    }
    for (const bool ack : {true, false}) {
        const auto p = encoded(options(forward_mode::packed, true, ack), batch_of(records));

        CHECK(p.is_gzip);
        CHECK(p.plain_bytes == expected.size());
        CHECK(p.body.size() < p.plain_bytes / 4);
        CHECK(p.body.substr(0, 4) == "\x1f\x8b\x08\x00"sv); // no name
        CHECK(p.body.substr(4, 4) == "\0\0\0\0"sv);         // mtime 0
        CHECK(*compress::inflate(p.body) == expected);
        const auto size = p.body.size();
        CHECK(
            p.head == bytes_of({"93", tag_hex}) + (size < 256 ? "\xc4"s : "\xc5"s) +
                          (size < 256 ? ""s : std::string(1, static_cast<char>(size >> 8))) +
                          static_cast<char>(size));
        CHECK(
            p.tail ==
            (ack ? bytes_of({"83 a473697a65 29 aa636f6d70726573736564 a4677a6970", chunk_hex})
                 : bytes_of({"82 a473697a65 29 aa636f6d70726573736564 a4677a6970"})));
    }
}

TEST_CASE(
    "forward.md 10 a payload below 512 bytes is sent plain, because gzip would make it larger") {
    bool was_plain = false;
    bool was_gzip = false;
    for (std::size_t bytes = 380; bytes < 480; ++bytes) {
        const std::string text(bytes, 't');
        const auto p = encoded(
            options(forward_mode::packed, true, true),
            batch_of({made(""_class("c1"), "t"_key = std::string_view(text))}));
        CHECK(p.is_gzip == (p.plain_bytes >= 512));
        CHECK(p.body.size() <= p.plain_bytes);
        was_plain = was_plain || p.plain_bytes == 511;
        was_gzip = was_gzip || p.plain_bytes == 512;
    }
    CHECK(was_plain);
    CHECK(was_gzip);
}

TEST_CASE("values go out as what they are: 1.0 never becomes 1, and NaN stays NaN") {
    constexpr auto infinity = std::numeric_limits<double>::infinity();

    CHECK(
        message_fields(made(
            ""_class("c"),
            "null"_key = nullptr,
            "no"_key = false,
            "yes"_key = true,
            "one"_key = 1,
            "real one"_key = 1.0,
            "minus zero"_key = -0.0,
            "float"_key = 0.5f,
            "least"_key = std::numeric_limits<std::int64_t>::min(),
            "most"_key = std::numeric_limits<std::uint64_t>::max(),
            "nan"_key = std::numeric_limits<double>::quiet_NaN(),
            "infinity"_key = infinity,
            "minus infinity"_key = -infinity,
            "empty"_key = "",
            "zero byte"_key = "a\0b"sv)) ==
        "{\"null\": null, \"no\": false, \"yes\": true, \"one\": 1, \"real one\": 1.0, "
        "\"minus zero\": -0.0, \"float\": 0.5, \"least\": -9223372036854775808, "
        "\"most\": 18446744073709551615, \"nan\": nan, \"infinity\": inf, "
        "\"minus infinity\": -inf, \"empty\": \"\", \"zero byte\": \"a\0b\"}"s);
}

TEST_CASE("optional values go out as what they hold, or as null") {
    using maybe_text = std::optional<std::string_view>;
    CHECK(
        message_fields(made(
            ""_class("c"),
            "a"_key = std::optional<double>(1.0),
            "b"_key = std::optional<double>(),
            "c"_key = std::optional<bool>(false),
            "d"_key = std::optional<bool>(),
            "e"_key = maybe_text("text"),
            "f"_key = maybe_text(),
            "g"_key = maybe_text(""),
            "h"_key = std::optional<std::uint64_t>(std::numeric_limits<std::uint64_t>::max()),
            "i"_key = std::optional<std::string>("owned"),
            "j"_key = std::optional<std::vector<float>>(),
            "z"_key = "last")) ==
        "{\"a\": 1.0, \"b\": null, \"c\": false, \"d\": null, \"e\": \"text\", \"f\": null, "
        "\"g\": \"\", \"h\": 18446744073709551615, \"i\": \"owned\", \"j\": null, \"z\": "
        "\"last\"}");
}

TEST_CASE("many numbers go out as an array, reals as reals, NaN as NaN") {
    const std::vector<double> doubles{1.0, -0.5, std::numeric_limits<double>::quiet_NaN()};
    const std::array<float, 2> floats{0.5f, std::numeric_limits<float>::infinity()};
    const std::vector<std::int64_t> whole{1, -1, std::numeric_limits<std::int64_t>::min()};
    CHECK(
        message_fields(made(
            ""_class("c"),
            "before"_key = "x",
            "d"_key = std::span(doubles),
            "f"_key = floats,
            "i"_key = whole,
            "none"_key = std::span<const double>(),
            "after"_key = 7)) ==
        "{\"before\": \"x\", \"d\": [1.0, -0.5, nan], \"f\": [0.5, inf], "
        "\"i\": [1, -1, -9223372036854775808], \"none\": [], \"after\": 7}");
    const std::vector<double> twenty(20, 1.5);
    const auto text = message_fields(made(""_class("c"), "d"_key = twenty));
    CHECK(std::count(text.begin(), text.end(), ',') == 19);
}

TEST_CASE("objects and arrays nest, and may be empty") {
    const std::vector<std::int64_t> two{1, 2};
    CHECK(
        message_fields(made(
            ""_class("c"),
            "o"_key = object(
                "name"_key = "gbm",
                "version"_key = 7,
                "in"_key = object("x"_key = 0.5, "none"_key = object(), "t"_key = "deep"),
                "maybe"_key = std::optional<int>()),
            "a"_key = array(1, "two", 3.0, nullptr, true, two, object("k"_key = "v"), array()),
            "e"_key = array(),
            "s"_key = "last")) ==
        "{\"o\": {\"name\": \"gbm\", \"version\": 7, \"in\": {\"x\": 0.5, \"none\": {}, \"t\": "
        "\"deep\"}, \"maybe\": null}, \"a\": [1, \"two\", 3.0, null, true, [1, 2], {\"k\": \"v\"}, "
        "[]], "
        "\"e\": [], \"s\": \"last\"}");
}

TEST_CASE("D-4.4 a text in an object is repaired and counted like any other") {
    mona_forward_wire wire(support::plain_packed());
    const auto events = support::events_of(
        wire, batch_of({made(""_class("c"), "o"_key = object("t"_key = "\xff\xfe"))}));

    CHECK(events.at(0).fields == "{\"o\": {\"t\": \"\xef\xbf\xbd\xef\xbf\xbd\"}}");
    CHECK(wire.counts().utf8_repaired == 1);
}

TEST_CASE("16.2 of two objects under one key the later replaces the earlier as a whole") {
    mona_forward_wire wire(support::plain_packed());
    const std::vector<double> one{1.0};
    const auto events = support::events_of(
        wire,
        batch_of(
            {made(""_class("c"), "t"_key = "first", "o"_key = object("x"_key = 1, "s"_key = "x")),
             made(""_class("c"), "n"_key = one, "o"_key = object("y"_key = array(2, "y"))),
             made(""_class("c"), "z"_key = object(), "t"_key = std::optional<std::string_view>())},
            merge_mode::overwrite));

    REQUIRE(events.size() == 1);
    CHECK(events[0].fields == "{\"t\": null, \"o\": {\"y\": [2, \"y\"]}, \"n\": [1.0], \"z\": {}}");
    CHECK(wire.counts().overwritten_fields == 2);
}

TEST_CASE("run-time keys give the bytes that compile-time keys give") {
    const auto typed = made(
        "A"_class("c"),
        "a"_key = true,
        "b"_key = -7,
        "c"_key = 7u,
        "d"_key = 0.25,
        "e"_key = "text",
        "f"_key = nullptr);

    CHECK(
        wire_bytes(encoded(options(forward_mode::packed, false, true), batch_of({typed}))) ==
        wire_bytes(encoded(
            options(forward_mode::packed, false, true),
            batch_of({support::with_run_time_keys<"A">(typed)}))));
}

TEST_CASE("D-4.4 texts that are not UTF-8 are repaired and counted") {
    mona_forward_wire wire(support::plain_packed());
    const auto events = support::events_of(
        wire,
        batch_of(
            {made(""_class("c"), "a"_key = "x\xffy", "b"_key = "fine", "d"_key = "\xe2\x82")}));

    CHECK(
        events.at(0).fields ==
        "{\"a\": \"x\xef\xbf\xbdy\", \"b\": \"fine\", \"d\": \"\xef\xbf\xbd\"}");
    CHECK(wire.counts().utf8_repaired == 2);
}

TEST_CASE("the room for an event does for names, numbers and texts that take the most bytes") {
    support::run_time_record<"A"> most("c");
    for (int i = 100; i < 200; ++i) {
        most.add(
            std::string(252, '\xff') + std::to_string(i), std::numeric_limits<std::int64_t>::min());
    }
    most.add("text", std::string(700, '\xff'));
    mona_forward_wire wire(support::plain_packed()); // which asserts that it kept within the room
    const auto events = support::events_of(wire, batch_of({most}));

    REQUIRE(events.size() == 2); // the class comes first
    CHECK(std::count(events[1].fields.begin(), events[1].fields.end(), '-') == 100);
    CHECK(events[1].fields.size() > 100 * 3 * 252 + 3 * 700);
}

TEST_CASE("an event has the seconds of its own record, whatever those beside it have") {
    const std::vector<std::int64_t> seconds{0, exported, 0, -1, 127, 128, -40, 65'536, exported, 0};
    std::vector<made_record> records;
    for (const auto one : seconds) {
        records.push_back(made(""_class("c"), "n"_key = 1).at(one * second));
    }
    mona_forward_wire wire(support::plain_packed());
    const auto events = support::events_of(wire, batch_of(records));

    REQUIRE(events.size() == seconds.size());
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        CHECK(events[i].seconds == seconds[i]);
        CHECK(events[i].pushed == pushed);
    }
}

TEST_CASE("a user id that is not UTF-8 is repaired") {
    const auto p = encoded(
        {.user_id = "u\xff", .mode = forward_mode::message, .ack = false},
        batch_of({made(""_class("c"), "a"_key = 1)}));

    CHECK(support::as_text(p.body).find("\"user_id\": \"u\xef\xbf\xbd\"") != std::string::npos);
}

TEST_CASE("a wire may encode one batch after the other, and equal batches are equal bytes") {
    mona_forward_wire wire(options(forward_mode::packed, true, true));
    const auto first = example();
    const auto second_batch = batch_of(
        {made("B"_class("other"), "x"_key = 1), made("B"_class("other"), "x"_key = 2)},
        merge_mode::overwrite);

    const auto once = wire_bytes(*wire.encode(first, counted_bytes));
    const auto between = support::events_in(wire.encode(second_batch, counted_bytes)->body);
    const auto again = wire_bytes(*wire.encode(first, counted_bytes));

    CHECK(once == again);
    REQUIRE(between.size() == 2);
    CHECK(between[1].fields == "{\"x\": 2}");
    CHECK(wire.counts().overwritten_fields == 1);
}

TEST_CASE("what entry_bytes promises is enough for every event") {
    for (const auto mode : {forward_mode::packed, forward_mode::forward, forward_mode::message}) {
        mona_forward_wire wire(options(mode, false, false));
        const std::string id(1024, 'i');
        const auto p = wire.encode(
            batch_of({made(""_class(id), "a"_key = nullptr).at(INT64_MIN + 1)}), counted_bytes);
        CHECK(p->plain_bytes - id.size() - 3 <= wire.entry_bytes());
    }
}

TEST_CASE("messages have the layout of those that real receivers took") {
    const auto vectors = support::forward_vectors("messages have the layout of real ones");
    if (vectors.empty()) {
        return;
    }
    const auto layout_of = [&](std::string_view id) {
        for (const auto& one : vectors) {
            if (one.id == id) {
                return layout(one.bytes);
            }
        }
        return "no vector "s + std::string(id);
    };
    const auto one = batch_of({made(""_class("c"), "a"_key = 1)});
    const auto two = example();
    const auto many = batch_of(std::vector<made_record>(30, made(""_class("c"), "a"_key = 1)));
    const auto ours = [](forward_mode mode, bool gzip, bool ack, const batch& b) {
        return layout(wire_bytes(encoded(options(mode, gzip, ack), b)));
    };

    CHECK(ours(forward_mode::message, false, false, one) == layout_of("msg_int"));
    CHECK(ours(forward_mode::message, false, true, one) == layout_of("msg_chunk"));
    CHECK(ours(forward_mode::forward, false, true, two) == layout_of("fwd"));
    CHECK(ours(forward_mode::packed, false, true, two) == layout_of("packed_bin"));
    CHECK(ours(forward_mode::packed, true, true, many) == layout_of("cpf"));
    CHECK(
        layout_of("cpf") == "[T, gzip([time, R]…), {chunk: text, compressed: gzip, size: number}]");
}

// --- split ---------------------------------------------------------------------------------------

TEST_CASE("D-3.6 the halves of a payload hold its entries, in order, in every mode") {
    std::vector<made_record> records;
    for (int i = 0; i < 41; ++i) {
        records.push_back(made(""_class(i), "n"_key = i, "text"_key = "some text to compress"));
    }
    const auto b = batch_of(records);
    for (const auto mode : {forward_mode::packed, forward_mode::forward, forward_mode::message}) {
        for (const bool gzip : {false, true}) {
            for (const bool ack : {false, true}) {
                const auto o = options(mode, gzip, ack);
                mona_forward_wire wire(o);
                const auto whole = encoded(o, b);

                const auto halves = wire.split(whole, two_ids);

                REQUIRE(halves.has_value());
                const auto& [first, rest] = *halves;
                CHECK(first.records == 20);
                CHECK(rest.records == 21);
                CHECK(first.is_gzip == whole.is_gzip);
                CHECK(first.plain_bytes + rest.plain_bytes == whole.plain_bytes);
                auto joined = entries_of(first) + entries_of(rest);
                if (mode == forward_mode::message && ack) { // the first now asks at its end too
                    const auto last_of_first = joined.find('\x94');
                    REQUIRE(last_of_first != std::string::npos);
                    joined[last_of_first] = '\x93';
                }
                CHECK(joined == entries_of(whole));
                CHECK(whole.id.empty() == !ack);
                CHECK((first.id != rest.id && first.id != whole.id && rest.id != whole.id) == ack);
                // Each is a message, or messages, of its own.
                for (const auto& half : *halves) {
                    encode::msgpack_reader reader(std::string_view{});
                    const auto bytes = wire_bytes(half);
                    reader = encode::msgpack_reader(bytes);
                    std::size_t objects = 0;
                    while (!reader.at_end() && reader.skip() == encode::read_status::ok) {
                        ++objects;
                    }
                    CHECK(reader.at_end());
                    CHECK(objects == (mode == forward_mode::message ? half.records : 1));
                }
                // What encoding the half alone would have given.
                const auto alone =
                    wire.encode(batch_of({records.begin(), records.begin() + 20}), two_ids[0]);
                CHECK(wire_bytes(first) == wire_bytes(*alone));
            }
        }
    }
}

TEST_CASE("D-3.7 a split cuts only behind an entry that has a count: a class message stays with "
          "its fields") {
    struct row {
        std::string_view counts; // c: class message, r: record
        std::size_t cut;         // 0: cannot be cut
    };
    for (const auto& [counts, cut] :
         {row{"r", 0},
          {"cr", 0},
          {"rr", 1},
          {"crr", 2},
          {"rcr", 1},
          {"crcr", 2},
          {"rrcr", 2},
          {"rccr", 1},
          {"ccrr", 3},
          {"cccr", 0},
          {"rrrr", 2},
          {"crcrcr", 4}}) {
        CAPTURE(counts);
        std::vector<made_record> records;
        int id = 0;
        // A class message comes with the fields of a new id; two in a row are made by hand.
        for (const char c : counts) {
            if (c == 'r') {
                records.push_back(made(""_class(++id), "n"_key = id));
            }
        }
        auto b = batch_of(records);
        std::vector<batch_entry> entries;
        std::size_t next = 0;
        for (const char c : counts) {
            if (c == 'r') {
                entries.push_back(b.entries[next++]);
            } else {
                auto class_message = b.entries[next];
                class_message.is_class_message = true;
                class_message.class_name = intern_key("A");
                class_message.records = 0;
                class_message.first_part = no_part;
                entries.push_back(class_message);
                ++b.class_messages;
            }
        }
        b.entries = entries;
        const auto o = options(forward_mode::packed, false, true);
        mona_forward_wire wire(o);
        const auto whole = encoded(o, b);

        const auto halves = wire.split(whole, two_ids);

        CHECK(halves.has_value() == (cut != 0));
        if (cut == 0) {
            CHECK(halves.error() == errc::too_large);
            continue;
        }
        const auto& [first, rest] = *halves;
        CHECK(first.entry_records.size() == cut);
        CHECK(rest.entry_records.size() == counts.size() - cut);
        CHECK(first.entry_records.back() != 0);
        CHECK(first.records + rest.records == whole.records);
        CHECK(first.has_class_messages == (counts.substr(0, cut).find('c') != std::string::npos));
        CHECK(rest.has_class_messages == (counts.substr(cut).find('c') != std::string::npos));
    }
}

TEST_CASE("D-3.7 merged records share the fate of their event when it is split") {
    const auto o = options(forward_mode::packed, false, true);
    mona_forward_wire wire(o);
    const auto whole = encoded(
        o,
        batch_of(
            {made(""_class("1"), "a"_key = 1),
             made(""_class("1"), "b"_key = 1),
             made(""_class("1"), "c"_key = 1),
             made(""_class("2"), "a"_key = 1)},
            merge_mode::disjoint));

    const auto halves = wire.split(whole, two_ids);

    CHECK((*halves)[0].records == 3);
    CHECK((*halves)[1].records == 1);
}

TEST_CASE("a payload is split down to single entries, each of which is right") {
    std::vector<made_record> records;
    for (int i = 0; i < 37; ++i) {
        records.push_back(made("A"_class(i), "n"_key = i));
    }
    for (const auto mode : {forward_mode::packed, forward_mode::forward, forward_mode::message}) {
        const auto o = options(mode, true, true);
        mona_forward_wire wire(o);
        std::vector<payload> waiting;
        waiting.push_back(encoded(o, batch_of(records)));
        std::uint64_t came = 0;
        while (!waiting.empty()) {
            const auto one = std::move(waiting.back());
            waiting.pop_back();
            auto halves = wire.split(one, two_ids);
            if (halves) {
                waiting.push_back(std::move((*halves)[1]));
                waiting.push_back(std::move((*halves)[0]));
                continue;
            }
            CHECK(halves.error() == errc::too_large);
            CHECK(one.records == 1);
            CHECK(one.entry_records == std::vector<std::uint32_t>{0, 1}); // its class and it
            CHECK(
                support::as_text(wire_bytes(one))
                    .find(mode == forward_mode::packed ? "<" : "\"n\": " + std::to_string(came)) !=
                std::string::npos);
            ++came;
        }
        CHECK(came == 37);
    }
}

TEST_CASE("entries that are damaged, or more or fewer than their counts, are not split") {
    const auto o = options(forward_mode::packed, false, true);
    mona_forward_wire wire(o);
    const auto whole =
        encoded(o, batch_of({made(""_class("1"), "a"_key = 1), made(""_class("2"), "a"_key = 1)}));

    auto fewer = whole;
    fewer.entry_records.push_back(1);
    CHECK(wire.split(fewer, two_ids).error() == errc::bad_data);
    auto cut = whole;
    cut.body.pop_back();
    CHECK(wire.split(cut, two_ids).error() == errc::bad_data);
    auto no_gzip = whole;
    no_gzip.is_gzip = true;
    CHECK_FALSE(wire.split(no_gzip, two_ids).has_value());
}
}

namespace {

std::string ack_of(std::string_view id) {
    byte_buffer out;
    encode::msgpack_writer to(out);
    to.map(1);
    to.text("ack");
    to.text(id);
    return std::string(out.view());
}

// Everything that the reader finds in pieces of `size` bytes; an error stands last as "! what".
std::vector<std::string> found(std::string_view bytes, std::size_t size) {
    ack_reader reader;
    std::vector<std::string> ids;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        reader.append(bytes.substr(at, size));
        while (true) {
            const auto id = reader.next();
            if (!id) {
                CHECK(id.error() == errc::bad_data);
                ids.push_back("! " + reader.what());
                return ids;
            }
            if (id->empty()) {
                break;
            }
            ids.emplace_back(*id);
        }
    }
    return ids;
}

using strings = std::vector<std::string>;

} // namespace

TEST_SUITE("destinations/ack_reader") {
TEST_CASE("forward.md 14 the id is found in the acknowledgement of the example") {
    const auto bytes =
        support::from_hex("81 a3 61636b b8 41414543417751464267634943516f4c4441304f44773d3d");

    CHECK(found(bytes, bytes.size()) == strings{"AAECAwQFBgcICQoLDA0ODw=="});
}

TEST_CASE("F24 acknowledgements are found however the bytes are cut or glued") {
    const auto bytes = ack_of("first") + ack_of(std::string(300, 'x')) + ack_of("third");
    const strings expected{"first", std::string(300, 'x'), "third"};

    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        CHECK(found(bytes, size) == expected);
    }
}

TEST_CASE("nothing is found before the last byte is there") {
    ack_reader reader;
    const auto bytes = ack_of("id");
    CHECK(reader.next()->empty());

    for (const char c : bytes) {
        CHECK(reader.next()->empty());
        reader.append({&c, 1});
    }

    CHECK(*reader.next() == "id");
    CHECK(reader.next()->empty());
}

TEST_CASE("an id that comes back as binary, with a name as binary, is the same id") {
    CHECK(
        found(
            "\x81\xa3"
            "ack\xc4\x02id"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x81\xc4\x03"
            "ack\xd9\x02id"sv,
            100) == strings{"id"});
}

TEST_CASE("members beside the acknowledgement are passed over, whatever they are") {
    CHECK(
        found(
            "\x82\xa1x\x01\xa3"
            "ack\xa2id"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x82\xa3"
            "ack\xa2id\xa1x\x01"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x82\xa1x\x92\xa3"
            "ack\xa2no\xa3"
            "ack\xa2id"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x82\x05\xa3"
            "ack\xa3"
            "ack\xa2id"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x82\xc0\x80\xa3"
            "ack\xa2id"sv,
            100) == strings{"id"});
    CHECK(
        found(
            "\x82\x92\xa3"
            "ack\xa2no\x01\xa3"
            "ack\xa2id"sv,
            100) == strings{"id"});
}

TEST_CASE("D-13.1 what is no acknowledgement is malformed, and the words say what it was") {
    CHECK(found("\xc1", 1) == strings{"! bytes that are not MessagePack"});
    CHECK(found("\x80", 1) == strings{"! a map without ack"});
    CHECK(
        found(
            "\x81\xa3"
            "ack\x05"sv,
            9) == strings{"! a map without ack"});
    CHECK(
        found(
            "\x81\xa3"
            "ack\xc0"sv,
            9) == strings{"! a map without ack"});
    CHECK(
        found(
            "\x81\xa3"
            "nak\xa2id"sv,
            9) == strings{"! a map without ack"});
    CHECK(
        found(
            "\xa3"
            "ack"sv,
            9) == strings{"! an object that is no acknowledgement"});
    CHECK(found("\xc0", 9) == strings{"! an object that is no acknowledgement"});
    CHECK(found("\x92\x01\x02", 9) == strings{"! an object that is no acknowledgement"});
    const auto web = found("HTTP/1.1 400", 9);
    REQUIRE(web.size() == 1);
    CHECK(web[0].starts_with("! HTTP: that is no acknowledgement but a web server; "));
    CHECK(found(ack_of("id") + "\xc1", 100) == strings{"id", "! bytes that are not MessagePack"});
    CHECK(
        found(std::string(20, '\x91') + '\x01', 100) ==
        strings{"! bytes that are not MessagePack"}); // nested too deeply
}

TEST_CASE("D-5.1 an empty id acknowledges nothing and is malformed") {
    CHECK(found(ack_of("") + ack_of("id"), 100) == strings{"! an acknowledgement without an id"});
}

TEST_CASE("forward.md 5 an unexpected HELO is told as what it is") {
    const auto helo = support::from_hex(
        "92 a4 48454c4f 83 a5 6e6f6e6365 c410 000102030405060708090a0b0c0d0e0f a4 61757468 c410 "
        "101112131415161718191a1b1c1d1e1f a9 6b656570616c697665 c3");

    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, helo.size()}) {
        CHECK(
            found(helo, size) ==
            strings{"! HELO: the receiver wants a shared key; set mona.shared_key to its own"});
    }
}

TEST_CASE("D-13.1 an answer that is not over after 64 KiB is refused") {
    const std::string part(4096, 'x');
    ack_reader reader;
    reader.append("\x81\xa3"
                  "ack\xdb\x40\x00\x00\x00"sv); // says that it has a gigabyte
    int parts = 0;
    while (const auto id = reader.next()) {
        CHECK(id->empty());
        reader.append(part);
        REQUIRE(++parts < 100);
    }

    CHECK(parts == 16);
    CHECK(reader.what() == "an answer of more than 64 KiB");
}

TEST_CASE("many acknowledgements one after the other take no more memory than one") {
    ack_reader reader;
    int came = 0;
    for (int i = 0; i < 10'000; ++i) {
        reader.append(ack_of(std::to_string(i)));
        came += *reader.next() == std::to_string(i) ? 1 : 0;
    }
    CHECK(came == 10'000);
}
}
