// What real receivers took, made again from what it means (golden/forward, use 1 of its README).

#include "compress/gzip.hpp"
#include "compress/inflate.hpp"
#include "encode/forward_message.hpp"
#include "support/golden.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::encode;
using namespace std::string_literals;

namespace {

constexpr std::int64_t then = 1'700'000'000;
constexpr forward_option chunk_c{.name = "chunk", .value = std::string_view("c")};
constexpr forward_option two_events{.name = "size", .value = std::uint64_t{2}};
constexpr forward_option gzipped{.name = "compressed", .value = std::string_view("gzip")};

using write = std::function<void(msgpack_writer&)>;

std::string made(const write& what) {
    byte_buffer out;
    msgpack_writer to(out);
    what(to);
    return std::string(out.view());
}

write at(std::int64_t seconds) {
    return [=](msgpack_writer& to) { to.integer(seconds); };
}
// forward.md section 2: fixext 8 of type 0, seconds and nanoseconds.
write event_time(std::uint32_t seconds, std::uint32_t nanoseconds) {
    return [=](msgpack_writer& to) {
        std::string bytes = "\xd7\0"s;
        for (const auto word : {seconds, nanoseconds}) {
            for (int shift = 24; shift >= 0; shift -= 8) {
                bytes += static_cast<char>(word >> shift);
            }
        }
        to.raw(bytes);
    };
}
write record(std::string_view key, std::string_view value) {
    return [=](msgpack_writer& to) {
        to.map(1);
        to.text(key);
        to.text(value);
    };
}
write record(std::string_view key, std::int64_t value) {
    return [=](msgpack_writer& to) {
        to.map(1);
        to.text(key);
        to.integer(value);
    };
}
void empty_record(msgpack_writer& to) {
    to.map(0);
}

std::string entry(const write& when, const write& what) {
    return made([&](msgpack_writer& to) {
        to.array(2);
        when(to);
        what(to);
    });
}

std::string message(
    std::string_view tag,
    const write& when,
    const write& what,
    std::span<const forward_option> options = {}) {
    return made([&](msgpack_writer& to) {
        put_event_head(to, tag, !options.empty());
        when(to);
        what(to);
        if (!options.empty()) {
            put_options(to, options);
        }
    });
}

std::string around(
    forward_layout layout,
    std::string_view tag,
    std::string_view events,
    std::size_t size,
    std::span<const forward_option> options) {
    return made([&](msgpack_writer& to) {
        put_message_head(to, layout, tag, size, !options.empty());
        to.raw(events);
        if (!options.empty()) {
            put_options(to, options);
        }
    });
}

std::string
packed(std::string_view tag, std::string_view events, std::span<const forward_option> options) {
    return around(forward_layout::packed, tag, events, events.size(), options);
}

// [tag, bin, options] with the bin inflated, so that codecs and members do not matter.
std::string inflated(const std::string& bytes, std::string_view tag) {
    const auto head = 1 + made([&](msgpack_writer& to) { to.text(tag); }).size();
    const auto length = static_cast<unsigned char>(bytes.at(head + 1)); // bin 8
    const auto plain = compress::inflate(bytes.substr(head + 2, length), {.max_ratio = 1000});
    return bytes.substr(0, head) + (plain ? "(" + *plain + ")" : "no gzip"s) +
           bytes.substr(head + 2 + length);
}

std::string gzip(std::string_view bytes) {
    return *compress::gzip(compress::codecs().front(), bytes);
}

} // namespace

TEST_SUITE("encode/forward_message") {
TEST_CASE("the good byte strings are what the encoder makes of the same thing") {
    std::map<std::string, std::string> vectors;
    for (const auto& one : support::forward_vectors("good byte strings are made again")) {
        vectors[one.id] = one.bytes;
    }
    if (vectors.empty()) {
        return;
    }
    int compared = 0;
    const auto check = [&](const std::string& id, const std::string& ours) {
        CAPTURE(id);
        CHECK(support::to_hex(ours) == support::to_hex(vectors[id]));
        ++compared;
    };
    const auto check_inflated = [&](const std::string& id,
                                    const std::string& events,
                                    std::span<const forward_option> options) {
        CAPTURE(id);
        const auto tag = "t." + id;
        CHECK(
            support::to_hex(inflated(packed(tag, gzip(events), options), tag)) ==
            support::to_hex(inflated(vectors[id], tag)));
        ++compared;
    };
    const auto kv = record("k", "v");
    const std::array asks_once{chunk_c};
    const std::array asks_long{
        forward_option{.name = "chunk", .value = std::string_view("p8n9gmxTQVC8/nh2wlKKeQ==")}};

    check("msg_int", message("t.msg_int", at(then), kv));
    check("msg_eventtime", message("t.msg_eventtime", event_time(then, 123'456'789), kv));
    check("msg_chunk", message("t.msg_chunk", at(then), kv, asks_long));
    check("msg_time0", message("t.msg_time0", at(0), kv));
    check("msg_timeneg", message("t.msg_timeneg", at(-5), kv, asks_once));
    check("msg_rec_empty", message("t.msg_rec_empty", at(then), empty_record, asks_once));

    const std::array asks{chunk_c, two_events};
    const auto first = entry(at(then), record("n", 1));
    const auto of_forward = first + entry(event_time(then, 5), record("n", 2));
    check("fwd", around(forward_layout::forward, "t.fwd", of_forward, 2, asks));
    check("fwd_noopt", around(forward_layout::forward, "t.fwd_noopt", first, 1, {}));
    check("fwd_empty", around(forward_layout::forward, "t.fwd_empty", "", 0, asks_once));

    const auto events = first + entry(event_time(then, 500'000'000), record("n", 2));
    check("packed_bin", packed("t.packed_bin", events, asks));
    check("packed_empty", packed("t.packed_empty", "", asks_once));

    const std::array asks_gzipped{chunk_c, two_events, gzipped};
    const std::array only_gzipped{chunk_c, gzipped};
    check_inflated("cpf", events, asks_gzipped);
    check_inflated("cpf_split_record", events, asks_gzipped);
    check_inflated(
        "cpf_multi",
        first + entry(at(then), record("n", 2)) + entry(at(then), record("n", 3)),
        std::array{chunk_c, forward_option{.name = "size", .value = std::uint64_t{3}}, gzipped});
    check_inflated("cpf_emptygz", "", only_gzipped);
    CHECK(compared == 15);
}
}
