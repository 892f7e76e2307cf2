#include "sink/tally.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

using namespace monarc::sink;

namespace {

constexpr memory small{.max_contexts = 3, .max_chunks = 2, .max_classes = 2, .max_tags = 2};

event_facts fields(std::string_view context, std::uint64_t count) {
    event_facts facts;
    facts.is_envelope = true;
    facts.user_id = "u";
    facts.context = context;
    facts.fields = count;
    return facts;
}

event_facts class_message(std::string_view context, std::string_view name) {
    auto facts = fields(context, 0);
    facts.special = 1;
    facts.has_class = true;
    facts.class_name = name;
    return facts;
}

std::string sample() {
    return "{}";
}

short_key chunk(std::string_view id) {
    return to_short_key("tag", id);
}

} // namespace

TEST_SUITE("sink/tally") {
TEST_CASE("a context has the class that its last class message told") {
    tally t({}, "");

    t.add("t", fields("a", 2), sample);
    t.add("t", class_message("a", "loan"), sample);
    t.add("t", fields("a", 3), sample);
    t.add("t", class_message("a", "card"), sample);
    t.add("t", class_message("a", "loan"), sample);

    const auto s = t.snapshot();
    REQUIRE(s.classes.size() == 3);
    CHECK(s.classes[0].name.empty());
    CHECK(s.classes[0].contexts == 0);
    CHECK(s.classes[0].records == 1);
    CHECK(s.classes[1].name == "loan");
    CHECK(s.classes[1].contexts == 1);
    CHECK(s.classes[1].fields == 3);
    CHECK(s.classes[2].contexts == 0);
    CHECK(s.contexts == 1);
    CHECK(s.class_messages == 3);
    CHECK(s.records == 2);
}

TEST_CASE("the same context id of two users is two contexts") {
    tally t({}, "");
    auto other = fields("a", 1);
    other.user_id = "v";

    t.add("t", fields("a", 1), sample);
    t.add("t", other, sample);

    CHECK(t.snapshot().contexts == 2);
}

TEST_CASE("beyond the bounds counting goes on and says so") {
    tally t(small, "");
    for (const auto* id : {"a", "b", "c", "d", "a"})
        t.add(id, class_message(id, id), sample);
    t.add("d", fields("d", 1), sample);

    const auto s = t.snapshot();

    CHECK(s.events == 6);
    CHECK(s.contexts == 3);
    CHECK(s.contexts_full);
    CHECK(s.tags.size() == 2);
    CHECK(s.tags_full);
    CHECK(s.other_tags.events == 3);
    CHECK(s.classes.size() == 3); // a, b and the unknown one, which has d's record
    CHECK(s.classes_full);
    CHECK(s.other_classes.contexts == 1);
}

TEST_CASE("the most recent chunks are remembered, the oldest is forgotten") {
    tally t(small, "");

    t.remember(chunk("a"), 5);
    t.remember(chunk("b"), 1);
    CHECK_FALSE(t.totals().chunks_forgotten);
    t.remember(chunk("b"), 7);
    t.remember(chunk("b"), 2);
    t.remember(chunk("c"), 1);

    CHECK(t.seen(chunk("a")) == 0);
    CHECK(t.seen(chunk("b")) == 7);
    CHECK(t.seen(chunk("c")) == 1);
    CHECK(t.totals().chunks_forgotten);
}

TEST_CASE("sums are exact beyond 64 bits") {
    tally t({}, "n");
    auto largest = fields("a", 1);
    largest.has_sum = true;
    largest.sum = int128{UINT64_MAX};
    auto lowest = largest;
    lowest.sum = int128{INT64_MIN};
    auto text = fields("a", 1);
    text.has_other_sum = true;

    t.add("t", largest, sample);
    t.add("t", largest, sample);
    t.add("t", lowest, sample);
    t.add("t", text, sample);

    const auto s = t.snapshot().sum;
    CHECK(s.count == 3);
    CHECK((s.sum == 2 * int128{UINT64_MAX} + int128{INT64_MIN}));
    CHECK((s.min == int128{INT64_MIN}));
    CHECK((s.max == int128{UINT64_MAX}));
    CHECK(s.xor_bits == std::uint64_t{1} << 63);
    CHECK(s.not_integer == 1);
    CHECK(to_json(t.snapshot()).find("\"sum\":27670116110564327422,") != std::string::npos);
}

TEST_CASE("keys of different texts differ, also where their joints move") {
    CHECK_FALSE(to_short_key("ab", "c") == to_short_key("a", "bc"));
    CHECK_FALSE(to_short_key("a", "") == to_short_key("", "a"));
    CHECK_FALSE(to_short_key("12345678", "") == to_short_key("1234567", ""));
    CHECK(to_short_key("a", "b") == to_short_key("a", "b"));
}
}
