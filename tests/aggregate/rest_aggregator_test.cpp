#include "aggregate/rest_aggregator.hpp"
#include "core/names.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::aggregate;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using lines = std::vector<std::string>;
constexpr std::int64_t T = 1'700'000'000;
constexpr std::int64_t U = T + 1;
constexpr merge_mode modes[] = {merge_mode::off, merge_mode::disjoint, merge_mode::overwrite};

// Pairs of a key and its value as JSON; NaN is what JSON cannot say.
using members = std::vector<std::pair<std::string, std::string>>;

struct record {
    std::string id;
    members fields;
    std::optional<action> what{};
    std::optional<std::int64_t> time{};
    std::string class_name = "A";
    bool may_repeat_keys = false;

    record at(std::int64_t when) const {
        auto copy = *this;
        copy.time = when;
        return copy;
    }
    record as(action done) const {
        auto copy = *this;
        copy.what = done;
        return copy;
    }
    record of(std::string name) const {
        auto copy = *this;
        copy.class_name = std::move(name);
        return copy;
    }
};

class merging {
public:
    explicit merging(merge_mode mode) : merging(rest_settings{.merge = mode}) {}
    explicit merging(const rest_settings& settings) : aggregator_(settings) {}

    bool add(const record& r, rest_aggregator::time_point now = {}) {
        rest_row row{
            .class_name = intern_key(r.class_name),
            .id = r.id,
            .time = r.time,
            .what = r.what,
            .may_repeat_keys = r.may_repeat_keys};
        for (const auto& [key, value] : r.fields) {
            rest_field field{.key = intern_key_of_data(key), .value = value};
            field.name = field.key == key_without_room ? std::string_view(key) : "";
            field.is_null = value == "null";
            field.is_not_finite = value == "NaN";
            row.fields.push_back(field);
        }
        return aggregator_.add(row, now);
    }
    // Seals and says what goes out: `c1 {a:1,b:2} ADD @1700000000`.
    lines sent() {
        lines all;
        for (const auto& entry : aggregator_.open_batch().entries) {
            auto text = (entry.id.empty() ? "-" : entry.id) + " {";
            for (const auto& field : entry.fields) {
                text += text.ends_with('{') ? "" : ",";
                text += field.key != key_without_room ? name_of(field.key).text : field.name;
                text += ':' + field.value;
            }
            text += '}';
            if (entry.what) {
                text += *entry.what == action::add     ? " ADD"
                        : *entry.what == action::fresh ? " NEW"
                                                       : " OVERWRITE";
            }
            if (entry.time) {
                text += *entry.time == T ? " @T" : *entry.time == U ? " @U" : " @?";
            }
            all.push_back(std::move(text));
        }
        aggregator_.clear_batch();
        return all;
    }
    rest_aggregator* operator->() noexcept { return &aggregator_; }

private:
    rest_aggregator aggregator_;
};

struct example {
    std::string_view name;
    std::vector<record> records;
    lines off, disjoint, overwrite;
};

void check(const std::vector<example>& examples) {
    for (const auto& one : examples) {
        for (const auto mode : modes) {
            CAPTURE(one.name);
            CAPTURE(static_cast<int>(mode));
            merging merged(mode);
            for (const auto& r : one.records) {
                CHECK(merged.add(r));
            }
            const auto records = merged->open_batch().records;

            CHECK(
                merged.sent() == (mode == merge_mode::off        ? one.off
                                  : mode == merge_mode::disjoint ? one.disjoint
                                                                 : one.overwrite));
            CHECK(records == one.records.size());
        }
    }
}

record c1(members fields) {
    return {.id = "c1", .fields = std::move(fields)};
}

} // namespace

TEST_SUITE("aggregate/rest_aggregator") {
TEST_CASE("16.7 every worked example holds for REST in every mode") {
    const record null_id{.id = "", .fields = {}};
    const auto none = [&](members fields) {
        auto r = null_id;
        r.fields = std::move(fields);
        return r;
    };
    using enum action;
    check({
        {"c1@T {a:1}, c1@T {b:2}",
         {c1({{"a", "1"}}).at(T), c1({{"b", "2"}}).at(T)},
         {"c1 {a:1} @T", "c1 {b:2} @T"},
         {"c1 {a:1,b:2} @T"},
         {"c1 {a:1,b:2} @T"}},
        {"c1 {a:1}, c1 {a:2}",
         {c1({{"a", "1"}}), c1({{"a", "2"}})},
         {"c1 {a:1}", "c1 {a:2}"},
         {"c1 {a:1}", "c1 {a:2}"},
         {"c1 {a:2}"}},
        {"c1 {a:1}, c2 {x:1}, c1 {b:2}",
         {c1({{"a", "1"}}), {.id = "c2", .fields = {{"x", "1"}}}, c1({{"b", "2"}})},
         {"c1 {a:1}", "c2 {x:1}", "c1 {b:2}"},
         {"c1 {a:1,b:2}", "c2 {x:1}"},
         {"c1 {a:1,b:2}", "c2 {x:1}"}},
        {"c1@T {a:1}, c1@U {b:2}, c1@T {c:3}",
         {c1({{"a", "1"}}).at(T), c1({{"b", "2"}}).at(U), c1({{"c", "3"}}).at(T)},
         {"c1 {a:1} @T", "c1 {b:2} @U", "c1 {c:3} @T"},
         {"c1 {a:1} @T", "c1 {b:2} @U", "c1 {c:3} @T"},
         {"c1 {a:1} @T", "c1 {b:2} @U", "c1 {c:3} @T"}},
        {"c1 {a:1,b:1}, c1 {c:1}, c1 {a:2}",
         {c1({{"a", "1"}, {"b", "1"}}), c1({{"c", "1"}}), c1({{"a", "2"}})},
         {"c1 {a:1,b:1}", "c1 {c:1}", "c1 {a:2}"},
         {"c1 {a:1,b:1,c:1}", "c1 {a:2}"},
         {"c1 {a:2,b:1,c:1}"}},
        {"c1 {o:{x:1}}, c1 {o:{y:1}}",
         {c1({{"o", "{x:1}"}}), c1({{"o", "{y:1}"}})},
         {"c1 {o:{x:1}}", "c1 {o:{y:1}}"},
         {"c1 {o:{x:1}}", "c1 {o:{y:1}}"},
         {"c1 {o:{y:1}}"}},
        {"c1 {a:1}, c1.s {b:1}",
         {c1({{"a", "1"}}), {.id = "c1.s", .fields = {{"b", "1"}}}},
         {"c1 {a:1}", "c1.s {b:1}"},
         {"c1 {a:1}", "c1.s {b:1}"},
         {"c1 {a:1}", "c1.s {b:1}"}},
        {"REST c1 {a:1} ADD, c1 {b:1} ADD",
         {c1({{"a", "1"}}).as(add), c1({{"b", "1"}}).as(add)},
         {"c1 {a:1} ADD", "c1 {b:1} ADD"},
         {"c1 {a:1,b:1} ADD"},
         {"c1 {a:1,b:1} ADD"}},
        {"REST c1 {a:1} ADD, c1 {a:2} ADD",
         {c1({{"a", "1"}}).as(add), c1({{"a", "2"}}).as(add)},
         {"c1 {a:1} ADD", "c1 {a:2} ADD"},
         {"c1 {a:1} ADD", "c1 {a:2} ADD"},
         {"c1 {a:1} ADD", "c1 {a:2} ADD"}},
        {"REST c1 {a:1}, c1 {b:1} NEW, c1 {c:1}",
         {c1({{"a", "1"}}), c1({{"b", "1"}}).as(fresh), c1({{"c", "1"}})},
         {"c1 {a:1}", "c1 {b:1} NEW", "c1 {c:1}"},
         {"c1 {a:1}", "c1 {b:1,c:1} NEW"},
         {"c1 {a:1}", "c1 {b:1,c:1} NEW"}},
        {"REST null id {a:1}, null id {b:1}",
         {none({{"a", "1"}}), none({{"b", "1"}})},
         {"- {a:1}", "- {b:1}"},
         {"- {a:1}", "- {b:1}"},
         {"- {a:1}", "- {b:1}"}},
    });
}

TEST_CASE("16.1 and 16.2: what else keeps records apart, and what does not") {
    using enum action;
    check({
        {"a time and none",
         {c1({{"a", "1"}}), c1({{"b", "1"}}).at(T)},
         {"c1 {a:1}", "c1 {b:1} @T"},
         {"c1 {a:1}", "c1 {b:1} @T"},
         {"c1 {a:1}", "c1 {b:1} @T"}},
        {"another class is another row",
         {c1({{"a", "1"}}), c1({{"b", "1"}}).of("B"), c1({{"c", "1"}})},
         {"c1 {a:1}", "c1 {b:1}", "c1 {c:1}"},
         {"c1 {a:1,c:1}", "c1 {b:1}"},
         {"c1 {a:1,c:1}", "c1 {b:1}"}},
        {"no action is OVERWRITE, which is said as the first says it",
         {c1({{"a", "1"}}), c1({{"b", "1"}}).as(overwrite), c1({{"c", "1"}})},
         {"c1 {a:1}", "c1 {b:1} OVERWRITE", "c1 {c:1}"},
         {"c1 {a:1,b:1,c:1}"},
         {"c1 {a:1,b:1,c:1}"}},
        {"another action is a barrier",
         {c1({{"a", "1"}}), c1({{"b", "1"}}).as(add), c1({{"c", "1"}})},
         {"c1 {a:1}", "c1 {b:1} ADD", "c1 {c:1}"},
         {"c1 {a:1}", "c1 {b:1} ADD", "c1 {c:1}"},
         {"c1 {a:1}", "c1 {b:1} ADD", "c1 {c:1}"}},
        {"a NEW takes a later value only where it may be replaced",
         {c1({{"a", "1"}}).as(fresh), c1({{"a", "2"}})},
         {"c1 {a:1} NEW", "c1 {a:2}"},
         {"c1 {a:1} NEW", "c1 {a:2}"},
         {"c1 {a:2} NEW"}},
        {"two NEWs are two",
         {c1({{"a", "1"}}).as(fresh), c1({{"b", "1"}}).as(fresh)},
         {"c1 {a:1} NEW", "c1 {b:1} NEW"},
         {"c1 {a:1} NEW", "c1 {b:1} NEW"},
         {"c1 {a:1} NEW", "c1 {b:1} NEW"}},
        {"an ADD is not merged into a NEW",
         {c1({{"a", "1"}}).as(fresh), c1({{"b", "1"}}).as(add)},
         {"c1 {a:1} NEW", "c1 {b:1} ADD"},
         {"c1 {a:1} NEW", "c1 {b:1} ADD"},
         {"c1 {a:1} NEW", "c1 {b:1} ADD"}},
        {"null is a value like any other",
         {c1({{"a", "1"}}), c1({{"a", "null"}})},
         {"c1 {a:1}", "c1 {a:null}"},
         {"c1 {a:1}", "c1 {a:null}"},
         {"c1 {a:null}"}},
    });
}

TEST_CASE("a default action is what records without one are merged by") {
    merging merged(rest_settings{.default_action = action::add});

    merged.add(c1({{"a", "1"}}));
    merged.add(c1({{"b", "1"}}).as(action::add));
    merged.add(c1({{"a", "2"}}));
    merged.add(c1({{"c", "1"}}).as(action::overwrite));

    CHECK(merged.sent() == lines{"c1 {a:1,b:1}", "c1 {a:2}", "c1 {c:1} OVERWRITE"});
}

TEST_CASE("16.4 nulls are left out before merging, so that an earlier value stays") {
    for (const auto mode : {merge_mode::disjoint, merge_mode::overwrite}) {
        merging merged(rest_settings{.merge = mode, .drop_nulls = true});

        merged.add(c1({{"a", "1"}}));
        merged.add(c1({{"a", "null"}, {"b", "2"}}));

        CHECK(merged.sent() == lines{"c1 {a:1,b:2}"});
    }
}

TEST_CASE("16.4 a renamed key collides with its new name as two records would") {
    const record first = c1({{"MY_MONA_x", "1"}});
    const record second = c1({{"MONA_x", "2"}});
    const auto of = [&](merge_mode mode) {
        merging merged(rest_settings{.merge = mode, .reserved_keys = reserved_key_mode::rename});
        merged.add(first);
        merged.add(second);
        return merged.sent();
    };

    CHECK(of(merge_mode::disjoint) == lines{"c1 {MY_MONA_x:1}", "c1 {MY_MONA_x:2}"});
    CHECK(of(merge_mode::overwrite) == lines{"c1 {MY_MONA_x:2}"});
}

TEST_CASE("reserved keys are renamed behind the others, and win over a key of that name") {
    merging merged(
        rest_settings{.merge = merge_mode::off, .reserved_keys = reserved_key_mode::rename});
    const auto long_name = "MONA_" + std::string(250, 'x');

    merged.add(c1({{"MONA_X", "1"}, {"keep", "2"}, {"MONA_", "3"}}));
    merged.add(c1({{"MY_MONA_X", "old"}, {"MONA_X", "new"}, {"z", "1"}}));
    merged.add(c1({{"MONA_X", "new"}, {"MY_MONA_X", "old"}, {"z", "1"}}));
    merged.add(c1({{"MONA", "1"}, {"MONAX", "2"}, {"mona_x", "3"}, {"xMONA_", "4"}}));
    merged.add(c1({{long_name, "1"}}));

    CHECK(
        merged.sent() == lines{
                             "c1 {keep:2,MY_MONA_X:1,MY_MONA_:3}",
                             "c1 {MY_MONA_X:new,z:1}",
                             "c1 {MY_MONA_X:new,z:1}",
                             "c1 {MONA:1,MONAX:2,mona_x:3,xMONA_:4}",
                             "c1 {MY_" + long_name + ":1}"});
    CHECK(merged->counts().overwritten_fields == 2);
    CHECK(merged->counts().stripped_fields == 0);
}

TEST_CASE("many keys are found as few are") {
    merging merged(
        rest_settings{.merge = merge_mode::off, .reserved_keys = reserved_key_mode::rename});
    members fields;
    std::string expected = "c1 {";
    for (int i = 0; i < 40; ++i) {
        fields.emplace_back(fmt::format("MY_MONA_{}", i), "0");
        expected += fmt::format("{}MY_MONA_{}:{}", i == 0 ? "" : ",", i, i % 2 == 0 ? 1 : 0);
    }
    for (int i = 0; i < 40; i += 2) {
        fields.emplace_back(fmt::format("MONA_{}", i), "1");
    }
    merged.add(c1(fields));

    CHECK(merged.sent() == lines{expected + "}"});
}

TEST_CASE("D-4.3 reserved keys are stripped and counted; what has no others is filtered") {
    merging merged(merge_mode::disjoint);

    merged.add(c1({{"MONA_x", "1"}, {"a", "1"}}));
    merged.add(c1({{"MONA_x", "1"}}));

    CHECK(merged.sent() == lines{"c1 {a:1}"});
    CHECK(merged->counts().stripped_fields == 2);
    CHECK(merged->counts().filtered[reason::empty] == 1);
    CHECK(merged->counts().fields == 3);
}

TEST_CASE("D-4.5 what is not finite is left out and counted, and takes nothing else along") {
    merging merged(rest_settings{.merge = merge_mode::overwrite});

    merged.add(c1({{"a", "1"}, {"n", "NaN"}}));
    merged.add(c1({{"a", "NaN"}, {"b", "2"}}));
    merged.add(c1({{"n", "NaN"}}));

    CHECK(merged.sent() == lines{"c1 {a:1,b:2}"});
    CHECK(merged->counts().not_finite_fields == 3);
    CHECK(merged->counts().filtered[reason::empty] == 1);
}

TEST_CASE("of a key that a record holds twice the later value counts, at the first place") {
    merging merged(rest_settings{.merge = merge_mode::off, .drop_nulls = true});
    auto twice = c1({{"a", "1"}, {"b", "2"}, {"a", "3"}});
    auto gone = c1({{"a", "1"}, {"b", "2"}, {"a", "null"}});
    twice.may_repeat_keys = gone.may_repeat_keys = true;

    merged.add(twice);
    merged.add(gone);

    CHECK(merged.sent() == lines{"c1 {a:3,b:2}", "c1 {b:2}"});
    CHECK(merged->counts().overwritten_fields == 2);
}

TEST_CASE("a batch is full by records and by bytes, and due by time; nothing is lost by it") {
    merging few(rest_settings{.batch = {.max_records = 2, .max_delay = 1s}});
    const rest_aggregator::time_point now{};

    CHECK_FALSE(few->is_due(now));
    CHECK(few.add(c1({{"a", "1"}}), now));
    CHECK_FALSE(few->is_due(now + 999ms));
    CHECK(few->is_due(now + 1s));
    CHECK(few.add(c1({{"b", "1"}}), now));
    CHECK(few->is_due(now));
    CHECK_FALSE(few.add(c1({{"c", "1"}}), now));
    CHECK(few.sent() == lines{"c1 {a:1,b:1}"});
    CHECK(few.add(c1({{"c", "1"}}), now));

    merging small(rest_settings{.batch = {.max_bytes = 4096}});
    const std::string long_text(3000, 'x');
    CHECK(small.add(c1({{"a", long_text}})));
    CHECK_FALSE(small.add(c1({{"b", long_text}})));
    small->clear_batch();
    CHECK(small.add(c1({{"b", long_text + long_text}}))); // alone it always goes

    merging told_less(rest_settings{});
    told_less->set_max_bytes(500);
    CHECK(told_less.add(c1({{"a", "1"}})));
    CHECK_FALSE(told_less.add(c1({{"b", long_text}})));
}

TEST_CASE("16.5 a merged record does not grow without bound") {
    merging merged(rest_settings{.merge = merge_mode::overwrite});
    for (int i = 0; i < 1001; ++i) {
        CHECK(
            (i == 1000 ? !merged.add(c1({{fmt::format("k{}", i), "1"}}))
                       : merged.add(c1({{fmt::format("k{}", i), "1"}}))));
    }

    CHECK(merged->open_batch().entries.size() == 1);
    members many;
    for (int i = 0; i < 600; ++i) {
        many.emplace_back(fmt::format("m{}", i), "1");
    }
    merging wide(rest_settings{.merge = merge_mode::overwrite});
    wide.add(c1(many));
    for (auto& [key, value] : many) {
        key += 'x';
    }
    wide.add(c1(many));
    CHECK(wide->open_batch().entries.size() == 2);
}
}
