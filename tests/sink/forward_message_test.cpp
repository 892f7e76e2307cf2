#include "compress/gzip.hpp"
#include "sink/forward_message.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace monarc::sink;
using namespace std::string_literals;
using namespace std::string_view_literals;
using verdict = forward_message::verdict;

namespace {

constexpr event_time now{.kind = event_time::form::nanoseconds, .nanoseconds = 5, .seconds = 77};

std::string binary(std::string_view content) {
    std::string out = "\xc5";
    out += static_cast<char>(content.size() >> 8);
    out += static_cast<char>(content.size() & 0xff);
    return out.append(content);
}

std::vector<event> events_of(const forward_message& message) {
    std::vector<event> events;
    auto cursor = message.cursor();
    event e;
    while (cursor.next(e) == event_cursor::step::event)
        events.push_back(e);
    return events;
}

} // namespace

// The golden byte strings are in tests/cli/sink_vectors_test.py; here is what they leave out.
TEST_SUITE("sink/forward_message") {
TEST_CASE("a time of nil or zero becomes now in every mode") {
    const auto entry = "\x92\x00\x80"s;
    for (const auto& raw :
         {"\x93\xa1t\x00\x80"s,
          "\x93\xa1t\xc0\x80"s,
          "\x92\xa1t\x91"s + entry,
          "\x92\xa1t"s + binary(entry),
          "\x93\xa1t\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"s}) {
        forward_message message;
        REQUIRE(message.read(raw, now, {}) == verdict::take);
        const auto events = events_of(message);
        REQUIRE(events.size() == 1);
        CHECK(events[0].time.seconds == 77);
        CHECK(events[0].time.nanoseconds == 5);
    }
}

TEST_CASE("an EventTime with too many nanoseconds, or of another size, is refused") {
    forward_message message;
    CHECK(
        message.read("\x93\xa1t\xd7\x00\x00\x00\x00\x01\x3b\x9a\xca\x00\x80"sv, now, {}) ==
        verdict::refuse);
    CHECK(message.why() == refusal::bad_time);
    CHECK(message.read("\x93\xa1t\xd6\x00\x00\x00\x00\x01\x80"sv, now, {}) == verdict::refuse);
    CHECK(
        message.read("\x93\xa1t\xd7\x01\x00\x00\x00\x01\x00\x00\x00\x00\x80"sv, now, {}) ==
        verdict::refuse);
}

TEST_CASE("an option that is no map is refused, a chunk of nil or false asks for nothing") {
    forward_message message;
    CHECK(message.read("\x94\xa1t\x01\x80\x05"sv, now, {}) == verdict::refuse);
    CHECK(message.why() == refusal::malformed);
    CHECK(
        message.read(
            "\x94\xa1t\x01\x80\x81\xa5"
            "chunk\xc2"sv,
            now,
            {}) == verdict::take);
    CHECK(message.chunk().empty());
    CHECK(
        message.read(
            "\x94\xa1t\x01\x80\x81\xa5"
            "chunk\xa1x"sv,
            now,
            {}) == verdict::take);
    CHECK(message.chunk() == "\xa1x");
}

TEST_CASE("the message that follows has nothing of the one before") {
    forward_message message;
    const auto packed =
        *monarc::compress::gzip(monarc::compress::codec::zlib, "\x92\x01\x80\x92\x02"sv);
    const auto raw = "\x93\xa1t"s + binary(packed) +
                     "\x82\xaa"
                     "compressed\xa4gzip\xa5"
                     "chunk\xa1x";
    REQUIRE(message.read(raw, now, {}) == verdict::take);
    CHECK(message.events() == 1);
    CHECK(message.cut_off());
    CHECK(message.inflated_bytes() == 5);

    REQUIRE(message.read("\x93\xa1u\x01\x80"sv, now, {}) == verdict::take);

    CHECK(message.tag() == "u");
    CHECK(message.chunk().empty());
    CHECK_FALSE(message.cut_off());
    CHECK(message.inflated_bytes() == 0);
}

TEST_CASE("a refusal names the first bad event") {
    forward_message message;
    CHECK(
        message.read("\x92\xa1t\x93\x92\x01\x80\x92\x02\x80\x92\x03\xa1x"sv, now, {}) ==
        verdict::refuse);
    CHECK(message.why() == refusal::not_a_map);
    CHECK(message.bad_event() == 2);
}

TEST_CASE("what is no message is skipped") {
    forward_message message;
    for (const auto raw :
         {"\xc0"sv, "\x05"sv, "\x80"sv, "\x90"sv, "\x91\xa1t"sv, "\x92\xa1t\x01"sv})
        CHECK(message.read(raw, now, {}) == verdict::skip);
}
}
