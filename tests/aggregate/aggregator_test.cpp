#include "aggregate/aggregator.hpp"
#include "core/names.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "support/events.hpp"
#include "support/records.hpp"

#include <monarc/field.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::aggregate;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using support::made;
using support::made_record;
using support::run_time_record;
using support::second;

namespace {

constexpr std::int64_t T = 1'700'000'000;
constexpr std::int64_t U = T + 1;
constexpr auto none = ""_class; // no class message is sent for it
constexpr auto A = "A"_class;
constexpr auto B = "B"_class;
constexpr merge_mode modes[] = {merge_mode::off, merge_mode::disjoint, merge_mode::overwrite};

std::string name_of_mode(merge_mode mode) {
    return mode == merge_mode::off        ? "off"
           : mode == merge_mode::disjoint ? "disjoint"
                                          : "overwrite";
}

// An aggregator with the wire format behind it, so that a test sees what would be sent.
class merging {
public:
    explicit merging(const aggregator_settings& s) : aggregator_(s) {}
    explicit merging(merge_mode mode = merge_mode::disjoint)
        : merging(aggregator_settings{.merge = mode}) {}

    bool add(const made_record& record, std::int64_t wall = T * second, time_point now = {}) {
        return aggregator_.add(record.view(), wall, now);
    }
    // Seals and says what goes out, without blanks and quotation marks: c1@T {a:1,b:2}.
    std::vector<std::string> sent() {
        std::vector<std::string> texts;
        for (const auto& one : support::events_of(wire_, aggregator_.open_batch())) {
            const auto when = one.seconds == T   ? "T"s
                              : one.seconds == U ? "U"s
                                                 : std::to_string(one.seconds);
            auto fields = one.fields;
            std::erase_if(fields, [](char c) { return c == '"' || c == ' '; });
            texts.push_back(one.id + '@' + when + ' ' + fields);
        }
        aggregator_.clear_batch();
        return texts;
    }
    aggregator& operator*() noexcept { return aggregator_; }
    aggregator* operator->() noexcept { return &aggregator_; }
    destinations::mona_forward_wire& wire() noexcept { return wire_; }

private:
    aggregator aggregator_;
    destinations::mona_forward_wire wire_{support::plain_packed()};
};

using lines = std::vector<std::string>;

} // namespace

TEST_SUITE("aggregate/aggregator") {
TEST_CASE("16.7 every worked example of the forward path holds in every mode") {
    struct row {
        std::string_view name;
        std::vector<made_record> records;
        lines off, disjoint, overwrite;
    };
    const auto at = [](made_record record, std::int64_t seconds) {
        record.when = seconds * second;
        return record;
    };
    const row rows[] = {
        {"c1@T {a:1}, c1@T {b:2}",
         {at(made(none("c1"), "a"_key = 1), T), at(made(none("c1"), "b"_key = 2), T)},
         {"c1@T {a:1}", "c1@T {b:2}"},
         {"c1@T {a:1,b:2}"},
         {"c1@T {a:1,b:2}"}},
        {"c1@T {a:1}, c1@T {a:2}",
         {at(made(none("c1"), "a"_key = 1), T), at(made(none("c1"), "a"_key = 2), T)},
         {"c1@T {a:1}", "c1@T {a:2}"},
         {"c1@T {a:1}", "c1@T {a:2}"},
         {"c1@T {a:2}"}},
        {"c1@T {a:1}, c2@T {x:1}, c1@T {b:2}",
         {at(made(none("c1"), "a"_key = 1), T),
          at(made(none("c2"), "x"_key = 1), T),
          at(made(none("c1"), "b"_key = 2), T)},
         {"c1@T {a:1}", "c2@T {x:1}", "c1@T {b:2}"},
         {"c1@T {a:1,b:2}", "c2@T {x:1}"},
         {"c1@T {a:1,b:2}", "c2@T {x:1}"}},
        {"c1@T {a:1}, c1@U {b:2}, c1@T {c:3}",
         {at(made(none("c1"), "a"_key = 1), T),
          at(made(none("c1"), "b"_key = 2), U),
          at(made(none("c1"), "c"_key = 3), T)},
         {"c1@T {a:1}", "c1@U {b:2}", "c1@T {c:3}"},
         {"c1@T {a:1}", "c1@U {b:2}", "c1@T {c:3}"},
         {"c1@T {a:1}", "c1@U {b:2}", "c1@T {c:3}"}},
        {"c1@T {MONA_ARC_CLASS:A}, c1@T {a:1}, c1@T {b:1}",
         {at(made(A("c1"), "a"_key = 1), T), at(made(A("c1"), "b"_key = 1), T)},
         {"c1@T {MONA_ARC_CLASS:A}", "c1@T {a:1}", "c1@T {b:1}"},
         {"c1@T {MONA_ARC_CLASS:A}", "c1@T {a:1,b:1}"},
         {"c1@T {MONA_ARC_CLASS:A}", "c1@T {a:1,b:1}"}},
        {"c1@T {a:1}, c1@T {MONA_ARC_CLASS:B}, c1@T {b:1}",
         {at(made(none("c1"), "a"_key = 1), T), at(made(B("c1"), "b"_key = 1), T)},
         {"c1@T {a:1}", "c1@T {MONA_ARC_CLASS:B}", "c1@T {b:1}"},
         {"c1@T {a:1}", "c1@T {MONA_ARC_CLASS:B}", "c1@T {b:1}"},
         {"c1@T {a:1}", "c1@T {MONA_ARC_CLASS:B}", "c1@T {b:1}"}},
        {"c1@T {a:1,b:1}, c1@T {c:1}, c1@T {a:2}",
         {at(made(none("c1"), "a"_key = 1, "b"_key = 1), T),
          at(made(none("c1"), "c"_key = 1), T),
          at(made(none("c1"), "a"_key = 2), T)},
         {"c1@T {a:1,b:1}", "c1@T {c:1}", "c1@T {a:2}"},
         {"c1@T {a:1,b:1,c:1}", "c1@T {a:2}"},
         {"c1@T {a:2,b:1,c:1}"}},
        {"c1@T {o:{x:1}}, c1@T {o:{y:1}}", // a value is replaced as a whole
         {at(made(none("c1"), "o"_key = "{x:1}"), T), at(made(none("c1"), "o"_key = "{y:1}"), T)},
         {"c1@T {o:{x:1}}", "c1@T {o:{y:1}}"},
         {"c1@T {o:{x:1}}", "c1@T {o:{y:1}}"},
         {"c1@T {o:{y:1}}"}},
        {"c1@T {a:1}, c1.s@T {b:1}",
         {at(made(none("c1"), "a"_key = 1), T), at(made(none("c1.s"), "b"_key = 1), T)},
         {"c1@T {a:1}", "c1.s@T {b:1}"},
         {"c1@T {a:1}", "c1.s@T {b:1}"},
         {"c1@T {a:1}", "c1.s@T {b:1}"}},
    };

    for (const auto& row : rows) {
        for (const auto mode : modes) {
            CAPTURE(row.name);
            CAPTURE(name_of_mode(mode));
            const auto& expected = mode == merge_mode::off        ? row.off
                                   : mode == merge_mode::disjoint ? row.disjoint
                                                                  : row.overwrite;
            merging typed(mode);
            merging run_time(mode);
            for (const auto& record : row.records) {
                CHECK(typed.add(record));
                const auto class_name = name_of(shape_of_number(record.shape).class_name).text;
                CHECK(run_time.add(
                    class_name == "A"   ? support::with_run_time_keys<"A">(record)
                    : class_name == "B" ? support::with_run_time_keys<"B">(record)
                                        : support::with_run_time_keys<"">(record)));
            }
            CHECK(typed.sent() == expected);
            CHECK(run_time.sent() == expected);
        }
    }
}

TEST_CASE(
    "16.2 members stand in the order of their first occurrence, a replaced one where it was") {
    merging m(merge_mode::overwrite);

    m.add(made(none("c"), "z"_key = 1, "b"_key = 1));
    m.add(made(none("c"), "y"_key = 2, "z"_key = 2, "a"_key = 2));
    m.add(run_time_record<"">("c").add("b", 3).add("x", 3).add("y", 3));

    CHECK(m.sent() == lines{"c@T {z:2,b:3,y:3,a:2,x:3}"});
    CHECK(m->counts().merged == 2);
    CHECK(m.wire().counts().overwritten_fields == 3);
}

TEST_CASE("16.2 null is a value like any other") {
    merging overwrite(merge_mode::overwrite);
    overwrite.add(made(none("c1"), "a"_key = 1));
    overwrite.add(made(none("c1"), "a"_key = nullptr));
    overwrite.add(made(none("c2"), "a"_key = nullptr));
    overwrite.add(made(none("c2"), "a"_key = 1));
    CHECK(overwrite.sent() == lines{"c1@T {a:null}", "c2@T {a:1}"});

    merging disjoint;
    disjoint.add(made(none("c1"), "a"_key = 1));
    disjoint.add(made(none("c1"), "a"_key = nullptr));
    disjoint.add(made(none("c1"), "b"_key = nullptr, "c"_key = nullptr));
    CHECK(disjoint.sent() == lines{"c1@T {a:1}", "c1@T {a:null,b:null,c:null}"});
}

TEST_CASE("16.3 a record that cannot be merged is a barrier for its context only") {
    merging m;

    m.add(made(none("c1"), "a"_key = 1));
    m.add(made(none("c2"), "a"_key = 1));
    m.add(made(none("c1"), "a"_key = 2));
    m.add(made(none("c1"), "b"_key = 3)); // not before the barrier, where it would fit too
    m.add(made(none("c2"), "b"_key = 3));

    CHECK(m.sent() == lines{"c1@T {a:1}", "c2@T {a:1,b:3}", "c1@T {a:2,b:3}"});
}

TEST_CASE("16.1 the class is part of the merge key, and back is a change too") {
    merging m(merge_mode::overwrite);

    m.add(made(A("c"), "a"_key = 1));
    m.add(made(B("c"), "a"_key = 2));
    m.add(made(A("c"), "a"_key = 3));
    m.add(made(A("c"), "a"_key = 4));

    CHECK(
        m.sent() == lines{
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {a:1}",
                        "c@T {MONA_ARC_CLASS:B}",
                        "c@T {a:2}",
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {a:4}"});
    CHECK(m->counts().class_messages == 3);
}

TEST_CASE("16.1 records without an id never merge, and each has its class message") {
    merging m(merge_mode::overwrite);

    m.add(made(A(""), "a"_key = 1));
    m.add(made(A(""), "b"_key = 1));
    m.add(made(none(""), "c"_key = 1));
    m.add(made(none(""), "d"_key = 1));

    CHECK(
        m.sent() == lines{
                        "@T {MONA_ARC_CLASS:A}",
                        "@T {a:1}",
                        "@T {MONA_ARC_CLASS:A}",
                        "@T {b:1}",
                        "@T {c:1}",
                        "@T {d:1}"});
    CHECK(m->counts().merged == 0);
}

TEST_CASE("16.1 the time of the merge key is the second that will be sent") {
    merging m;

    m.add(made(none("c"), "a"_key = 1).at(T * second));
    m.add(made(none("c"), "b"_key = 1).at(T * second + 999'999'999));
    m.add(made(none("c"), "d"_key = 1).at(U * second));
    m.add(made(none("c"), "e"_key = 1), U * second + 5); // no time given: the moment of the push

    CHECK(m.sent() == lines{"c@T {a:1,b:1}", "c@U {d:1,e:1}"});
}

TEST_CASE("a time is cut to whole seconds toward zero, also before 1970") {
    struct row {
        std::int64_t when, seconds;
    };
    for (const auto& [when, seconds] :
         {row{0, 0},
          {1, 0},
          {999'999'999, 0},
          {second, 1},
          {-1, 0},
          {-999'999'999, 0},
          {-second, -1},
          {-second - 1, -1},
          {-second - 999'999'999, -1},
          {-2 * second, -2},
          {INT64_MAX, 9'223'372'036},
          {INT64_MIN + 1, -9'223'372'036}}) {
        CAPTURE(when);
        merging m;
        m.add(made(none("c"), "a"_key = 1).at(when), T * second);
        const auto events = support::events_of(m.wire(), m->open_batch());
        REQUIRE(events.size() == 1);
        CHECK(events[0].seconds == seconds);
        CHECK(events[0].pushed == T); // the event's own time is that of the push
    }
}

TEST_CASE(
    "D-4.3 run-time keys that begin with MONA_ are stripped and counted, look-alikes are not") {
    merging m;

    m.add(run_time_record<"">("c")
              .add("MONA_", 1)
              .add("MONA", 1)
              .add("MONA_ARC_CLASS", "B")
              .add("mona_x", 2)
              .add(" MONA_x", 3)
              .add("MONA_x", 4)
              .add("xMONA_", 5)
              .add("Mona_x", 6));

    CHECK(m.sent() == lines{"c@T {MONA:1,mona_x:2,MONA_x:3,xMONA_:5,Mona_x:6}"});
    CHECK(m->counts().stripped_fields == 3);
    CHECK(m->counts().fields == 8);
}

TEST_CASE("D-4.7 a record of which nothing is left is filtered as empty and leaves no trace") {
    merging m;

    m.add(run_time_record<"A">("c").add("MONA_x", 1).add("MONA_y", 2));
    m.add(run_time_record<"A">("c"));
    m.add(made(A("c")));

    CHECK(m->counts().filtered[reason::empty] == 3);
    CHECK(m->counts().stripped_fields == 2);
    CHECK(m->live_contexts() == 0);
    CHECK_FALSE(m->has_open());
    CHECK(m.sent().empty());
}

TEST_CASE(
    "D-4.7 what is stripped or empty neither merges, nor is a barrier, nor changes the class") {
    merging m;

    m.add(made(A("c"), "a"_key = 1));
    m.add(run_time_record<"B">("c").add("MONA_x", 1)); // empty: before merging
    m.add(run_time_record<"A">("c").add("MONA_x", 1).add("b", 2));
    m.add(run_time_record<"A">("c").add("MONA_x", 1).add("d", 2)); // stripped: no key in common

    CHECK(m.sent() == lines{"c@T {MONA_ARC_CLASS:A}", "c@T {a:1,b:2,d:2}"});
}

TEST_CASE("D-4.7 refusing comes first: a closed context's record is not even stripped") {
    detail::context_entry entry;
    entry.id = "c";
    entry.class_name = intern_key("A");
    merging m;
    made_record record = run_time_record<"">("").add("MONA_x", 1).add("a", 1);
    record.context = &entry;

    entry.closed_at = 100;
    m.add(record.stamped(100)); // pushed no later than it was closed
    CHECK(m.sent() == lines{"c@T {MONA_ARC_CLASS:A}", "c@T {a:1}"});
    m.add(record.stamped(101));
    m.add(
        made_record(run_time_record<"">("").add("MONA_x", 1)).stamped(102)); // empty, of no context

    CHECK(m.sent().empty());
    CHECK(m->counts().dropped[reason::closed_context] == 1);
    CHECK(m->counts().filtered[reason::empty] == 1);
    CHECK(m->counts().stripped_fields == 2);
}

TEST_CASE("a record for which there was no memory in the queue is dropped for that") {
    merging m;

    CHECK(m.add(made_record{}));

    CHECK(m->counts().dropped[reason::memory] == 1);
    CHECK_FALSE(m->has_open());
}

TEST_CASE(
    "a key that is added twice to one record holds the later value at the place of the first") {
    for (const auto mode : modes) {
        CAPTURE(name_of_mode(mode));
        merging m(mode);

        m.add(run_time_record<"">("c").add("a", 1).add("b", 2).add("a", "three").add("a", 4.0));

        CHECK(m.sent() == lines{"c@T {a:4.0,b:2}"});
        CHECK(m->counts().overwritten_fields == 2);
        CHECK(m->counts().fields == 4);
    }
}

TEST_CASE("keys whose numbers coincide modulo 64 are still different keys") {
    std::vector<std::string> names;
    const auto first = intern_key("collide.0");
    for (int i = 1; names.size() < 70; ++i) {
        const auto name = "collide." + std::to_string(i);
        if (intern_key(name) % 64 == first % 64) {
            names.push_back(name);
        }
    }

    merging m;
    std::string expected;
    for (const auto& name : names) {
        m.add(run_time_record<"">("c").add(name, 1));
        expected += (expected.empty() ? "" : ",") + name + ":1";
    }
    m.add(run_time_record<"">("c").add(names[0], 2)); // this one is there already

    CHECK(m.sent() == lines{"c@T {" + expected + "}", "c@T {" + names[0] + ":2}"});
}

TEST_CASE("more keys than 64 merge into one event, each once") {
    for (const auto mode : {merge_mode::disjoint, merge_mode::overwrite}) {
        merging m(mode);
        std::string expected;
        for (int i = 0; i < 200; ++i) {
            const auto name = "many." + std::to_string(i);
            m.add(run_time_record<"">("c").add(name, i));
            expected += (i == 0 ? "" : ",") + name + ":" + std::to_string(i);
        }
        CHECK(m.sent() == lines{"c@T {" + expected + "}"});
    }
}

TEST_CASE("D-4.9 the class is told when the context is not held, before its first fields") {
    merging m;
    m.add(made(A("c"), "a"_key = 1).at(U * second));
    CHECK(m.sent() == lines{"c@U {MONA_ARC_CLASS:A}", "c@U {a:1}"}); // with their time

    m.add(made(A("c"), "a"_key = 2)); // held, although its fields were sealed
    m.add(made(A("d"), "a"_key = 2));
    CHECK(m.sent() == lines{"c@T {a:2}", "d@T {MONA_ARC_CLASS:A}", "d@T {a:2}"});
    CHECK(m->live_contexts() == 2);
    CHECK(m->counts().class_messages == 2);
}

TEST_CASE("D-4.9 a class message is no record and counts none") {
    merging m;

    m.add(made(A("c"), "a"_key = 1));
    m.add(made(A("c"), "b"_key = 1));

    const auto& open = m->open_batch();
    CHECK(open.records == 2);
    CHECK(open.class_messages == 1);
    REQUIRE(open.entries.size() == 2);
    CHECK(open.entries[0].records == 0);
    CHECK(open.entries[1].records == 2);
}

TEST_CASE("D-4.9 the class is told again after the context was forgotten") {
    detail::context_entry entry;
    entry.id = "c";
    entry.class_name = intern_key("A");
    merging m;
    m.add(support::made_for(entry, "a"_key = 1));

    m->forget(entry);
    CHECK(m->live_contexts() == 0);
    m.add(support::made_for(entry, "b"_key = 1)); // nor does it merge with what was before
    m->forget(entry);
    m->forget(entry);
    m.add(made(A("c"), "d"_key = 1));

    CHECK(
        m.sent() == lines{
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {a:1}",
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {b:1}",
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {d:1}"});
}

TEST_CASE("D-4.9 all classes are told again once class messages may have been lost") {
    merging m;
    m.add(made(A("c"), "a"_key = 1));
    m.add(made(A("d"), "a"_key = 1));
    m.sent();

    m->tell_classes_again();
    m.add(made(A("c"), "a"_key = 2));
    m.add(made(A("c"), "b"_key = 2));

    CHECK(m.sent() == lines{"c@T {MONA_ARC_CLASS:A}", "c@T {a:2,b:2}"});
    m.add(made(A("c"), "a"_key = 3));
    m.add(made(A("d"), "a"_key = 3));
    CHECK(m.sent() == lines{"c@T {a:3}", "d@T {MONA_ARC_CLASS:A}", "d@T {a:3}"});
}

TEST_CASE("a handle and an id given with the push mean the same context") {
    detail::context_entry entry;
    entry.id = "c";
    entry.class_name = intern_key("A");
    merging m;

    m.add(support::made_for(entry, "a"_key = 1));
    m.add(made(A("c"), "b"_key = 2));
    m.add(support::made_for(entry, "d"_key = 3));
    made_record run_time = run_time_record<"">("").add("e", 4);
    run_time.context = &entry;
    m.add(run_time);

    CHECK(m.sent() == lines{"c@T {MONA_ARC_CLASS:A}", "c@T {a:1,b:2,d:3,e:4}"});
}

TEST_CASE("a handle finds its context again after another took its place") {
    detail::context_entry entry;
    entry.id = "c";
    entry.class_name = intern_key("A");
    merging m(aggregator_settings{.max_contexts = 1});
    m.add(support::made_for(entry, "a"_key = 1));

    m.add(made(B("d"), "a"_key = 2)); // evicts c and takes its place
    m.add(support::made_for(entry, "b"_key = 3));
    m.add(support::made_for(entry, "e"_key = 4));

    CHECK(
        m.sent() == lines{
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {a:1}",
                        "d@T {MONA_ARC_CLASS:B}",
                        "d@T {a:2}",
                        "c@T {MONA_ARC_CLASS:A}",
                        "c@T {b:3,e:4}"});
    CHECK(m->counts().evicted_contexts == 2);
}

TEST_CASE("no more than max_contexts are held, and an evicted one tells its class again") {
    merging m(aggregator_settings{.max_contexts = 10});

    for (int i = 0; i < 100; ++i) {
        m.add(made(A(i), "a"_key = i));
        CHECK(m->live_contexts() <= 10);
    }

    CHECK(m->live_contexts() == 10);
    CHECK(m->counts().evicted_contexts == 90);
    CHECK(m->counts().class_messages == 100);
    m.sent();
    m.add(made(A(0), "a"_key = 0));
    CHECK(m.sent() == lines{"0@T {MONA_ARC_CLASS:A}", "0@T {a:0}"});
}

TEST_CASE("a context in use is not evicted before those that are not") {
    merging m(aggregator_settings{.max_contexts = 10});
    m.add(made(A("busy"), "a"_key = 0));

    for (int i = 0; i < 200; ++i) {
        m.add(made(A(i), "a"_key = i));
        m.add(made(A("busy"), "a"_key = i));
    }

    CHECK(m->counts().class_messages == 201); // its own once
}

TEST_CASE("ids of any length are told apart, also those that begin alike") {
    merging m;
    const std::string base(1024, 'i');
    lines expected;

    for (const std::size_t bytes : {1, 2, 39, 40, 41, 42, 128, 1023, 1024}) {
        m.add(made(none(std::string_view(base).substr(0, bytes)), "a"_key = 1));
        expected.push_back(base.substr(0, bytes) + "@T {a:1,b:2}");
    }
    for (const std::size_t bytes : {1, 2, 39, 40, 41, 42, 128, 1023, 1024}) {
        m.add(made(none(std::string_view(base).substr(0, bytes)), "b"_key = 2));
    }

    CHECK(m.sent() == expected);
    CHECK(m->live_contexts() == 9);
}

TEST_CASE("D-4.4 ids that are not UTF-8 are repaired and counted, and equal ones are one context") {
    merging m;

    m.add(made(none("x\xff"), "a"_key = 1));
    m.add(made(none("x\xfe"), "b"_key = 2));
    m.add(made(none("x\xef\xbf\xbd"), "d"_key = 3));

    CHECK(m.sent() == lines{"x\xef\xbf\xbd@T {a:1,b:2,d:3}"});
    CHECK(m->counts().utf8_repaired == 2);
}

TEST_CASE("D-4.4 run-time keys that are not UTF-8 are counted each time they are sent") {
    merging m;

    m.add(run_time_record<"">("c").add("broken\xff", 1).add("whole", 2));
    m.add(run_time_record<"">("d").add("broken\xff", 1));

    CHECK(m.sent() == lines{"c@T {broken\xef\xbf\xbd:1,whole:2}", "d@T {broken\xef\xbf\xbd:1}"});
    CHECK(m->counts().utf8_repaired == 2);
}

TEST_CASE("16.2 objects merge by their own key, whatever stands in them") {
    merging many;
    many.add(made(none("c1"), "o"_key = object("a"_key = 1), "x"_key = 1));
    many.add(made(none("c1"), "a"_key = array(1), "y"_key = std::optional<int>()));
    many.add(made(none("c1"), "o"_key = object("b"_key = 1)));

    CHECK(many.sent() == lines{"c1@T {o:{a:1},x:1,a:[1],y:null}", "c1@T {o:{b:1}}"});
    CHECK(many->counts().fields == 5);
}

TEST_CASE("a class known at run time is the class of the same name") {
    merging many;
    const class_name known("A");
    many.add(made(A("c1"), "a"_key = 1));
    many.add(made(known("c1"), "b"_key = 1));
    many.add(made(known(7), "c"_key = 1));
    many.add(made(class_name("other")("c1"), "d"_key = 1));

    CHECK(
        many.sent() == lines{
                           "c1@T {MONA_ARC_CLASS:A}",
                           "c1@T {a:1,b:1}",
                           "7@T {MONA_ARC_CLASS:A}",
                           "7@T {c:1}",
                           "c1@T {MONA_ARC_CLASS:other}",
                           "c1@T {d:1}"});
}

// What the I/O thread makes of a JSON text.
class read_json {
public:
    explicit read_json(std::string id) : id_(std::move(id)) {}

    read_json& number(std::string_view key, std::uint64_t value) {
        const auto number = key.size() <= 255 ? intern_key_of_data(key) : key_without_room;
        append_self_described(
            body_, number, detail::value_type::natural, &value, sizeof value, key);
        ++facts_.fields;
        return *this;
    }
    read_json& alone() {
        facts_.stands_alone = true;
        return *this;
    }
    read_json& at(std::int64_t seconds) {
        facts_.has_times = true;
        facts_.seconds = seconds;
        return *this;
    }
    record_view view() const {
        return {
            .shape = detail::json_shape,
            .stamp = 1,
            .when = detail::no_time,
            .context = nullptr,
            .body = body_,
            .id = id_,
            .json = &facts_};
    }

private:
    std::string id_;
    std::string body_;
    json_facts facts_;
};

TEST_CASE("fields from JSON merge with typed ones of the same names") {
    merging many;
    many.add(made(none("c1"), "a"_key = 1));
    many->add(read_json("c1").number("b", 2).number("c", 3).view(), T * second, {});
    many->add(read_json("c1").number("a", 4).view(), T * second, {});
    many.add(made(none("c1"), "d"_key = 5));
    many.add(made(none("c1"), "a"_key = 6));

    CHECK(many.sent() == lines{"c1@T {a:1,b:2,c:3}", "c1@T {a:4,d:5}", "c1@T {a:6}"});
}

TEST_CASE("a special message is merged with nothing, and nothing across it") {
    for (const auto mode : modes) {
        merging many(mode);
        many.add(made(none("c1"), "a"_key = 1));
        many->add(read_json("c1").number("s", 2).alone().view(), T * second, {});
        many.add(made(none("c1"), "b"_key = 3));

        CHECK(many.sent() == lines{"c1@T {a:1}", "c1@T {s:2}", "c1@T {b:3}"});
    }
}

TEST_CASE("a record may say itself when it was, beyond the reach of nanoseconds") {
    merging many;
    many->add(read_json("c1").number("a", 1).at(T).view(), (T + 5) * second, {});
    many->add(read_json("c1").number("b", 2).at(253'402'300'799).view(), T * second, {});

    REQUIRE(many->open_batch().entries.size() == 2);
    CHECK(many->open_batch().entries[0].seconds == T);
    CHECK(many->open_batch().entries[1].seconds == 253'402'300'799);
}

TEST_CASE("a record with a key that has no number is an event of its own") {
    const std::string long_key(300, 'k');
    for (const auto mode : modes) {
        merging many(mode);
        many.add(made(none("c1"), "a"_key = 1));
        many->add(read_json("c1").number(long_key, 2).number("b", 2).view(), T * second, {});
        many.add(made(none("c1"), "c"_key = 3));
        many->add(read_json("c1").number(long_key, 4).view(), T * second, {});

        CHECK(
            many.sent() == lines{
                               "c1@T {a:1}",
                               "c1@T {" + long_key + ":2,b:2}",
                               "c1@T {c:3}",
                               "c1@T {" + long_key + ":4}"});
    }
}

TEST_CASE("what JSON held is counted, and a record of which nothing is left is filtered") {
    merging many;
    json_facts facts{.fields = 4, .repeated = 1, .stripped = 3, .is_repaired = true};
    record_view record = read_json("c1").view();
    record.json = &facts;
    record.body = {};
    record.id = "c1";
    many->add(record, T * second, {});

    CHECK(many.sent().empty());
    CHECK(many->counts().filtered[reason::empty] == 1);
    CHECK(many->counts().fields == 4);
    CHECK(many->counts().overwritten_fields == 1);
    CHECK(many->counts().stripped_fields == 3);
    CHECK(many->counts().utf8_repaired == 1);
}

TEST_CASE("D-3.2 a batch is full with max_records records, merged or not") {
    for (const auto mode : modes) {
        merging m(aggregator_settings{.merge = mode, .batch = {.max_records = 3}});
        CHECK(m.add(made(A("c"), "a"_key = 1)));
        CHECK(m.add(made(A("c"), "b"_key = 1)));
        CHECK_FALSE(m->is_due({}));
        CHECK(m.add(made(A("d"), "a"_key = 1)));
        CHECK(m->is_due({}));

        CHECK_FALSE(m.add(made(A("e"), "a"_key = 1)));
        CHECK(m->open_batch().records == 3); // nothing has happened yet
        CHECK(m->live_contexts() == 2);
        m.sent();
        CHECK(m.add(made(A("e"), "a"_key = 1)));
        CHECK(m->open_batch().records == 1);
    }
}

TEST_CASE("D-3.2 a batch is due max_delay after its first record") {
    merging m(aggregator_settings{.batch = {.max_delay = 100ms}});
    const time_point start{};
    CHECK_FALSE(m->is_due(start + 1h)); // nothing is never due

    m.add(run_time_record<"">("c").add("MONA_x", 1), T * second, start);
    m.add(made(none("c"), "a"_key = 1), T * second, start + 10ms);
    m.add(made(none("c"), "b"_key = 1), T * second, start + 90ms);

    CHECK_FALSE(m->is_due(start + 109ms));
    CHECK(m->is_due(start + 110ms));
    m.sent();
    CHECK_FALSE(m->is_due(start + 1h));
    m.add(made(none("c"), "a"_key = 1), T * second, start + 1h);
    CHECK_FALSE(m->is_due(start + 1h + 99ms));
    CHECK(m->is_due(start + 1h + 100ms));
}

TEST_CASE("D-3.2 a record that might go beyond max_bytes waits for the next batch") {
    const std::string text(2500, 't');
    merging m(aggregator_settings{.batch = {.max_bytes = 4096}});

    CHECK(m.add(made(A("c"), "t"_key = std::string_view(text))));
    CHECK_FALSE(m.add(made(A("c"), "u"_key = std::string_view(text))));
    m.sent();
    CHECK(m.add(made(A("c"), "u"_key = std::string_view(text))));
}

TEST_CASE("a batch that is sealed takes nothing more: later fields start an event of their own") {
    merging m;
    m.add(made(none("c"), "a"_key = 1));
    m.sent();

    m.add(made(none("c"), "b"_key = 2));

    CHECK(m.sent() == lines{"c@T {b:2}"});
    CHECK(m->counts().merged == 0);
}

TEST_CASE("D-3.2 no batch is larger than max_bytes when it is encoded, but for a single record") {
    std::mt19937 random(3);
    const std::string text(1500, 't');
    std::size_t largest = 0;
    for (const auto mode : modes) {
        destinations::mona_forward_wire wire(support::plain_packed());
        aggregator many(
            {.merge = mode, .batch = {.max_bytes = 8192}, .entry_bytes = wire.entry_bytes()});
        std::size_t sealed = 0;
        std::size_t wrong = 0;
        const auto seal = [&] {
            const auto made = wire.encode(many.open_batch(), {});
            wrong += made->plain_bytes > 8192 && many.open_batch().records > 1 ? 1 : 0;
            largest = std::max<std::size_t>(largest, made->plain_bytes);
            many.clear_batch();
            ++sealed;
        };
        for (int i = 0; i < 20'000; ++i) {
            const auto id = std::string(random() % 3 == 0 ? random() % 200 : 8, 'i') +
                            std::to_string(random() % 50);
            const std::string_view part(text.data(), random() % (random() % 4 == 0 ? 1500 : 20));
            const auto pick = random() % 4;
            made_record record;
            if (pick == 0) {
                record = made(
                    A(id),
                    "first"_key = INT64_MIN,
                    "second"_key = 0.1,
                    "third"_key = true,
                    "text"_key = part);
            } else if (pick == 1) {
                record = made("another, longer class"_class(id), "n"_key = nullptr);
            } else if (pick == 2) {
                run_time_record<"A"> built(id);
                for (auto fields = random() % 8; fields != 0; --fields) {
                    built.add(std::string(random() % 250, 'k'), UINT64_MAX);
                }
                record = built.add("last", part);
            } else {
                record = made(A(id), "a"_key = -1, "b"_key = 1.5);
            }
            const auto wall = T * second + static_cast<std::int64_t>(i / 10) * (second / 1000);
            while (!many.add(record.view(), wall, {})) {
                seal();
            }
        }
        seal();
        CHECK(wrong == 0);
        CHECK(sealed > 100);
    }
    CHECK(largest > 7000); // it is not wasteful either
}

TEST_CASE("the memory of contexts is bounded apart from their number") {
    const std::string id(1000, 'i');
    merging m(aggregator_settings{.max_contexts = 1'000'000, .max_context_bytes = 1u << 20});

    for (int i = 0; i < 20'000; ++i) {
        const auto own = id + std::to_string(i);
        while (!m.add(made(none(own), "a"_key = i))) {
            m->clear_batch();
        }
    }

    CHECK(m->counts().evicted_contexts > 10'000);
    CHECK(m->live_contexts() > 100);
    CHECK(m->memory_bytes() < (3u << 20));
}
}

// --- against a model of section 16 that knows nothing of bits, places and parts -----------------

namespace {

struct model_value {
    std::string key, text;
};
struct model_record {
    std::string id, class_name;
    std::int64_t seconds = 0;
    std::vector<model_value> fields; // reserved ones left out, each key once
};
struct model_event {
    std::string id;
    std::int64_t seconds = 0;
    std::vector<model_value> fields;
    std::uint32_t records = 0;
};

model_value* find(std::vector<model_value>& fields, std::string_view key) {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.key == key; });
    return found == fields.end() ? nullptr : &*found;
}

void put(std::vector<model_value>& fields, const model_value& value) {
    if (auto* const there = find(fields, value.key)) {
        there->text = value.text;
    } else {
        fields.push_back(value);
    }
}

class model {
public:
    explicit model(merge_mode mode) : mode_(mode) {}

    void add(model_record record) {
        if (record.fields.empty()) {
            return;
        }
        const auto told = told_.find(record.id);
        if (record.id.empty() || told == told_.end() || told->second != record.class_name) {
            told_[record.id] = record.class_name;
            last_.erase(record.id);
            if (!record.class_name.empty()) {
                events_.push_back(
                    {record.id,
                     record.seconds,
                     {{"MONA_ARC_CLASS", '"' + record.class_name + '"'}},
                     0});
            }
        }
        if (const auto last = last_.find(record.id);
            last != last_.end() && !record.id.empty() && mode_ != merge_mode::off) {
            auto& event = events_[last->second];
            const bool shares = std::any_of(
                record.fields.begin(), record.fields.end(), [&](const model_value& value) {
                    return find(event.fields, value.key) != nullptr;
                });
            if (event.seconds == record.seconds && (!shares || mode_ == merge_mode::overwrite)) {
                for (const auto& value : record.fields) {
                    put(event.fields, value);
                }
                ++event.records;
                return;
            }
        }
        last_[record.id] = events_.size();
        events_.push_back({record.id, record.seconds, std::move(record.fields), 1});
    }

    std::vector<std::string> sealed() {
        std::vector<std::string> texts;
        for (const auto& one : events_) {
            auto text = one.id + '@' + std::to_string(one.seconds) + " #" +
                        std::to_string(one.records) + " {";
            for (const auto& value : one.fields) {
                text += (text.back() == '{' ? "\"" : ", \"") + value.key + "\": " + value.text;
            }
            texts.push_back(text + '}');
        }
        events_.clear();
        last_.clear();
        return texts;
    }

private:
    merge_mode mode_;
    std::vector<model_event> events_;
    std::map<std::string, std::size_t> last_;
    std::map<std::string, std::string> told_;
};

// One random record in both worlds.
template <detail::fixed_text Class>
std::pair<made_record, model_record> random_record(std::mt19937& random) {
    static const std::string ids[] = {"c1", "c2", "c3", "c1.s", ""};
    static const std::string keys[] = {
        "a", "b", "c", "d", "e", "f", "MONA_x", "MONA_ARC_CLASS", "MONA", "\xff"};
    model_record expected{
        .id = ids[random() % 5],
        .class_name = std::string(Class.view()),
        .seconds = T + static_cast<std::int64_t>(random() % 2),
        .fields = {}};
    const auto when = expected.seconds * second + static_cast<std::int64_t>(random() % second);
    const auto n = static_cast<int>(random() % 1000);
    const auto number = std::to_string(n);

    switch (random() % 4) { // typed or not
    case 0:
        expected.fields = {{"a", number}, {"b", "\"t" + number + '"'}};
        return {
            made(
                class_literal<Class>{}(expected.id),
                "a"_key = n,
                "b"_key = std::string_view("t" + number))
                .at(when),
            expected};
    case 1:
        expected.fields = {{"c", number + ".5"}, {"d", "null"}, {"a", "true"}};
        return {
            made(
                class_literal<Class>{}(expected.id),
                "c"_key = n + 0.5,
                "d"_key = nullptr,
                "a"_key = true)
                .at(when),
            expected};
    case 2:
        expected.fields = {{"f", number}};
        return {made(class_literal<Class>{}(expected.id), "f"_key = n).at(when), expected};
    default: break;
    }
    run_time_record<Class> built(expected.id);
    for (auto count = random() % 5; count != 0; --count) {
        const auto& key = keys[random() % 10];
        const auto value = static_cast<std::int64_t>(random() % 1000) - 500;
        built.add(key, value);
        if (!key.starts_with("MONA_")) {
            put(expected.fields, {key == "\xff" ? "\xef\xbf\xbd" : key, std::to_string(value)});
        }
    }
    return {made_record(built).at(when), expected};
}

} // namespace

TEST_SUITE("aggregate/aggregator") {
TEST_CASE("16 random records merge as the rules of the section say, in every mode") {
    for (const auto mode : modes) {
        CAPTURE(name_of_mode(mode));
        std::mt19937 random(4);
        int wrong = 0;
        std::size_t events = 0;
        std::uint64_t records = 0;
        for (int round = 0; round < 300; ++round) {
            aggregator real({.merge = mode});
            destinations::mona_forward_wire wire(support::plain_packed());
            model naive(mode);
            const auto compare = [&] {
                std::vector<std::string> got;
                const auto& open = real.open_batch();
                std::size_t i = 0;
                for (const auto& one : support::events_of(wire, open)) {
                    got.push_back(
                        one.id + '@' + std::to_string(one.seconds) + " #" +
                        std::to_string(open.entries[i++].records) + ' ' + one.fields);
                }
                records += open.records;
                events += got.size();
                const auto expected = naive.sealed();
                wrong += got == expected ? 0 : 1;
                if (got != expected && wrong == 1) {
                    CHECK(got == expected);
                }
                real.clear_batch();
            };
            for (int i = 0; i < 60; ++i) {
                const auto pick = random() % 8;
                const auto [record, expected] = pick == 0   ? random_record<"B">(random)
                                                : pick == 1 ? random_record<"">(random)
                                                            : random_record<"A">(random);
                REQUIRE(real.add(record.view(), T * second, {}));
                naive.add(expected);
                if (random() % 40 == 0) {
                    compare();
                }
            }
            compare();
            CHECK(real.counts().filtered.total() + records >= 60);
        }
        CHECK(wrong == 0);
        CHECK(events > 3000);
    }
}
}
