#include "aggregate/series_table.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::aggregate;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t day = 24LL * 3600 * 1000;
constexpr std::int64_t now = 1'800'000'003'000; // 3 s into an interval of 10 s
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using definition = std::shared_ptr<series_definition>;
using lines = std::vector<std::string>;

definition opened(
    std::string name, series_kind kind = series_kind::gauge, std::vector<double> percentiles = {}) {
    auto made = std::make_shared<series_definition>();
    made->names = {std::move(name)};
    made->kind = kind;
    made->percentiles = std::move(percentiles);
    return made;
}

definition opened(std::vector<std::string> names, series_kind kind = series_kind::gauge) {
    auto made = std::make_shared<series_definition>();
    made->names = std::move(names);
    made->kind = kind;
    return made;
}

series_values of(double value) {
    return {.values = {{.name = 0, .value = value}}};
}

// A table that shows what it would send: `name.statistic=value@time xN`, N the entry's records.
class shown_table {
public:
    explicit shown_table(const series_table_settings& settings = {}) : table_(settings) {}

    void push(const definition& to, double value, std::int64_t when = now) {
        table_.add(to, of(value), when, false, when);
    }
    void push(const definition& to, const series_values& record, std::int64_t when = now) {
        table_.add(to, record, when, false, when);
    }
    void push_at(const definition& to, double value, std::int64_t own, std::int64_t present = now) {
        table_.add(to, of(value), own, true, present);
    }
    lines take() {
        lines all;
        for (const auto& one : table_.open_batch().entries) {
            all.push_back(fmt::format(
                "{}{}={}@{} x{}",
                one.of->names[one.name],
                statistic_suffixes(*one.of)[one.statistic],
                one.value,
                one.milliseconds - now,
                one.records));
        }
        table_.clear_batch();
        return all;
    }
    lines end(std::int64_t at = now) {
        REQUIRE(table_.end_interval(at));
        return take();
    }
    series_table* operator->() noexcept { return &table_; }

private:
    series_table table_;
};

} // namespace

TEST_SUITE("aggregate/series_table") {
TEST_CASE("D-4.10 a gauge sends the last value of the interval") {
    shown_table t;
    const auto g = opened("g");
    for (const double value : {5.0, 9.0, 2.0}) {
        t.push(g, value);
    }

    CHECK(t->open_batch().is_empty());
    CHECK(t->open_records() == 3);
    CHECK(t.end(now + 7) == lines{"g=2@7 x3"});
    CHECK(t->counts().merged == 2);
    CHECK(t->counts().measurements == 1);
}

TEST_CASE("D-4.10 a counter sends the sum of the interval, and begins again at 0") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    for (const double value : {5.0, -1.0, 2.5}) {
        t.push(c, value);
    }
    CHECK(t.end(now + 1) == lines{"c=6.5@1 x3"});

    t.push(c, 1.0);
    CHECK(t.end(now + 2) == lines{"c=1@2 x1"});
}

TEST_CASE("D-4.10 a timer sends count, sum, min, max and percentiles as metrics of their own") {
    shown_table t;
    const auto timer = opened("t", series_kind::timer, {50.0, 99.9});
    for (const double value : {4.0, 1.0, 4.0}) {
        t.push(timer, value);
    }

    CHECK(
        t.end(now + 1) == lines{
                              "t.count=3@1 x0",
                              "t.sum=9@1 x0",
                              "t.min=1@1 x0",
                              "t.max=4@1 x0",
                              "t.p50=4@1 x0",
                              "t.p99_9=4@1 x3"});
}

TEST_CASE("a percentile never lies outside what was pushed") {
    shown_table t;
    const auto timer = opened("t", series_kind::timer, {1.0, 99.0});
    t.push(timer, 1.003);

    const auto sent = t.end(now + 1);

    REQUIRE(sent.size() == 6);
    CHECK(sent[4] == "t.p1=1.003@1 x0");
    CHECK(sent[5] == "t.p99=1.003@1 x1");
}

TEST_CASE("a timer begins each interval with none of the last one's values") {
    shown_table t;
    const auto timer = opened("t", series_kind::timer, {50.0});
    t.push(timer, 1000.0);
    t.end(now + 1);

    t.push(timer, 1.0);

    CHECK(
        t.end(now + 2) ==
        lines{"t.count=1@2 x0", "t.sum=1@2 x0", "t.min=1@2 x0", "t.max=1@2 x0", "t.p50=1@2 x1"});
}

TEST_CASE("D-4.10 every sends each value with its own time, without waiting for the interval") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    t.push(e, 1.0, now);
    t.push(e, 2.0, now + 1);

    CHECK_FALSE(t->has_collected());
    CHECK(t.take() == lines{"e=1@0 x1", "e=2@1 x1"});
    CHECK(t.end() == lines{});
}

TEST_CASE("D-4.10 of one millisecond every keeps the last value; the others merge into it") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    const auto other = opened("o", series_kind::every);
    t.push(e, 1.0);
    t.push(other, 7.0);
    t.push(e, 2.0);
    t.push(e, 3.0);

    CHECK(t.take() == lines{"e=3@0 x3", "o=7@0 x1"});
    CHECK(t->counts().same_millisecond == 2);
    CHECK(t->counts().merged == 2);
    CHECK(t->counts().measurements == 2);
}

TEST_CASE("the value that a millisecond keeps comes with its own value_meta") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    t.push(e, {.values = {{0, 1.0}}, .meta = {{"rc", "500"}}});
    t.push(e, {.values = {{0, 2.0}}, .meta = {{"rc", "200"}}});
    REQUIRE(t->open_batch().entries.size() == 1);
    CHECK(t->open_batch().entries[0].meta == monasca_rules::text_pairs{{"rc", "200"}});

    t.push(e, 3.0);
    CHECK(t->open_batch().entries[0].meta.empty());
}

TEST_CASE("a millisecond that was sent already is a measurement of its own") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    t.push(e, 1.0);
    t.take();
    t.push(e, 2.0);

    CHECK(t.take() == lines{"e=2@0 x1"});
    CHECK(t->counts().same_millisecond == 0);
}

TEST_CASE("D-3.7 the last entry of a record that comes each at once has its count") {
    shown_table t;
    const auto e = opened(std::vector<std::string>{"a", "b", "c"}, series_kind::every);
    t.push(e, {.values = {{0, 1.0}, {1, 2.0}}});
    CHECK(t.take() == lines{"a=1@0 x0", "b=2@0 x1"});

    // The record adds b behind a, which was there: the count has to be behind both.
    t.push(e, {.values = {{0, 1.0}}});
    t.push(e, {.values = {{1, 2.0}, {0, 3.0}}});

    CHECK(t.take() == lines{"a=3@0 x1", "b=2@0 x1"});
    CHECK(t->open_records() == 0);
}

TEST_CASE("the end of an interval is stamped with the time it is given") {
    shown_table t;
    const auto g = opened("g");
    t.push(g, 1.0);

    CHECK(t.end(now + 7001) == lines{"g=1@7001 x1"});
}

TEST_CASE("the stamps of interval ends increase strictly, though they come in one millisecond") {
    shown_table t;
    const auto g = opened("g");
    for (int i = 0; i < 3; ++i) {
        t.push(g, i);
        CHECK(t.end(now) == lines{fmt::format("g={}@{} x1", i, i)});
    }

    // The clock was set back a little.
    t.push(g, 9.0);
    CHECK(t.end(now - 500) == lines{"g=9@3 x1"});
}

TEST_CASE("D-1.6 after a jump of the wall clock the stamps follow it") {
    shown_table t;
    const auto g = opened("g");
    t.push(g, 1.0);
    CHECK(t.end(now) == lines{"g=1@0 x1"});

    t.push(g, 2.0, now - 3'600'000);
    CHECK(t.end(now - 3'600'000) == lines{"g=2@-3600000 x1"});
}

TEST_CASE("values with a time of their own are kept apart by the interval they fall into") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    t.push_at(c, 1.0, now - 13'000); // the first millisecond of an interval
    t.push_at(c, 2.0, now - 3001);   // its last but one
    t.push_at(c, 4.0, now - 13'001);
    t.push(c, 8.0);

    CHECK(t.end(now + 1) == lines{"c=4@-13000 x1", "c=3@-3000 x2", "c=8@1 x1"});
    CHECK(t->open_records() == 0);
}

TEST_CASE("one series has no two measurements with the same stamp, whatever its values' times") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    t.push(c, 1.0);
    t.push_at(c, 2.0, now);
    t.push_at(c, 4.0, now + 59'000); // not yet: no later than now

    CHECK(t.end(now + 2000) == lines{"c=7@2000 x3"});
}

TEST_CASE("the end of an interval by its own time is never the stamp of values without one") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    t.push(c, 1.0, now + 6999);
    t.push_at(c, 2.0, now + 6500, now + 7000);

    CHECK(t.end(now + 7000) == lines{"c=2@7000 x1", "c=1@7001 x1"});
}

TEST_CASE("a value that is not finite is dropped as invalid, whatever the kind") {
    for (const auto kind :
         {series_kind::gauge, series_kind::counter, series_kind::timer, series_kind::every}) {
        shown_table t;
        const auto s = opened("s", kind);
        for (const double bad : {infinite, -infinite, not_a_number}) {
            t.push(s, bad);
        }

        CHECK(t.end() == lines{});
        CHECK(t->counts().dropped[reason::invalid_record] == 3);
        CHECK(t->counts().dropped.total() == 3);
        CHECK(t->open_records() == 0);
    }
}

TEST_CASE("of a record with several values only those that are not finite are left out") {
    shown_table t;
    const auto s = opened(std::vector<std::string>{"a", "b"});
    t.push(s, {.values = {{0, not_a_number}, {1, 2.0}}});

    CHECK(t.end(now + 1) == lines{"b=2@1 x1"});
    CHECK(t->counts().dropped.total() == 0);
}

TEST_CASE("a time 13 days ago or a minute ahead is taken, one beyond is dropped as invalid") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    t.push_at(e, 1.0, now - 13 * day);
    t.push_at(e, 2.0, now + 60'000);
    CHECK(t.take().size() == 2);
    CHECK(t->counts().dropped.total() == 0);

    const auto g = opened("g");
    const std::int64_t bad[] = {
        now - 13 * day - 1,
        now + 60'001,
        0,
        -1,
        now / 1000,
        now * 1000,
        std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()};
    for (const auto time : bad) {
        t.push_at(e, 1.0, time);
        t.push_at(g, 1.0, time);
    }
    CHECK(t.end() == lines{});
    CHECK(t->counts().dropped[reason::invalid_record] == 2 * std::size(bad));
}

TEST_CASE("value_meta that Monasca refuses drops its record alone") {
    shown_table t;
    const auto e = opened("e", series_kind::every);
    t.push(e, {.values = {{0, 1.0}}, .meta = {{"k", std::string(2040, 'v')}}});
    t.push(e, {.values = {{0, 2.0}}, .meta = {{"k", std::string(2039, 'v')}}}, now + 1);

    CHECK(t.take() == lines{"e=2@1 x1"});
    CHECK(t->counts().dropped[reason::invalid_record] == 1);
}

TEST_CASE("a record that was counted with other values of it counts neither open nor dropped") {
    shown_table t;
    const auto a = opened("a");
    const auto b = opened("b");
    const auto e = opened("e", series_kind::every);
    t.push(a, of(1.0));
    t.push(b, {.values = {{0, 2.0}}, .counts = false});
    t.push(b, {.values = {{0, infinite}}, .counts = false});
    t.push(e, {.values = {{0, 3.0}}, .counts = false});

    CHECK(t->open_records() == 1);
    CHECK(t.end(now + 1) == lines{"e=3@0 x0", "a=1@1 x1", "b=2@1 x0"});
    CHECK(t->counts().dropped.total() == 0);
    CHECK(t->counts().merged == 0);
}

TEST_CASE("D-3.7 all of one series and interval share one count, behind the last of them") {
    shown_table t;
    const auto s = opened(std::vector<std::string>{"a", "b"}, series_kind::timer);
    t.push(s, {.values = {{0, 1.0}, {1, 2.0}}});
    t.push(s, {.values = {{1, 4.0}}});

    REQUIRE(t->end_interval(now + 1));
    const auto& entries = t->open_batch().entries;
    REQUIRE(entries.size() == 8);
    for (std::size_t i = 0; i < 7; ++i) {
        CHECK(entries[i].records == 0);
    }
    CHECK(entries[7].records == 2);
    CHECK(t->open_batch().records == 2);
    CHECK(t->open_records() == 2);
}

TEST_CASE("a batch that is full in the middle of an interval's end goes, and the rest follows") {
    shown_table t({.max_records = 3});
    std::vector<definition> all;
    for (int i = 0; i < 8; ++i) {
        all.push_back(opened("s" + std::to_string(i), series_kind::counter));
        t.push(all.back(), i);
    }
    t.push_at(all[0], 100.0, now - 20'000);

    CHECK_FALSE(t->end_interval(now + 1));
    CHECK(t->is_full());
    CHECK(t.take() == lines{"s0=100@-13000 x1", "s0=0@1 x1", "s1=1@1 x1"});
    CHECK_FALSE(t->end_interval(now + 5)); // the stamp is the first call's
    CHECK(t.take() == lines{"s2=2@1 x1", "s3=3@1 x1", "s4=4@1 x1"});
    CHECK(t->open_records() == 3);
    CHECK(t->end_interval(now + 9));
    CHECK(t.take() == lines{"s5=5@1 x1", "s6=6@1 x1", "s7=7@1 x1"});
    CHECK(t->open_records() == 0);
    CHECK_FALSE(t->has_collected());
}

TEST_CASE("a batch is full by its bytes too, value_meta included") {
    shown_table t({.max_bytes = 10'000});
    const auto e = opened("e", series_kind::every);
    int pushed = 0;
    while (!t->is_full() && pushed < 100) {
        t.push(e, {.values = {{0, 1.0}}, .meta = {{"k", std::string(2000, 'v')}}}, now + pushed++);
    }

    CHECK(pushed == 5);
    t.take();
    t->set_max_bytes(4096);
    for (pushed = 0; !t->is_full() && pushed < 100; ++pushed) {
        t.push(e, 1.0, now + pushed);
    }
    CHECK(pushed > 10);
    CHECK(pushed < 100);
}

TEST_CASE("a batch is due when it is full, or max_delay after it began to fill") {
    shown_table t({.max_records = 2, .max_delay = 100ms});
    const std::chrono::steady_clock::time_point start{};
    const auto e = opened("e", series_kind::every);
    CHECK_FALSE(t->is_due(start + 1h));

    t->set_since(start);
    t.push(e, 1.0, now);
    CHECK_FALSE(t->is_due(start + 99ms));
    CHECK(t->is_due(start + 100ms));
    t.push(e, 1.0, now + 1);
    CHECK(t->is_due(start));
}

TEST_CASE("an interval without a push sends nothing for a series") {
    shown_table t;
    const auto g = opened("g");
    t.push(g, 1.0);
    t.end(now + 1);

    CHECK(t.end(now + 2) == lines{});
    CHECK(t->live_series() == 1);
}

TEST_CASE("a series that nobody holds is forgotten at the end of an interval without a push") {
    shown_table t;
    const auto kept = opened("kept");
    auto a = opened("a");
    auto b = opened("b");
    t.push(a, 1.0);
    t.push(kept, 2.0);
    t.push(b, 3.0);
    a.reset();
    b.reset();
    CHECK(t.end(now + 1) == lines{"a=1@1 x1", "kept=2@1 x1", "b=3@1 x1"});
    CHECK(t->live_series() == 3);

    t.end(now + 2);
    CHECK(t->live_series() == 1);
    t.push(kept, 4.0);
    CHECK(t.end(now + 3) == lines{"kept=4@3 x1"});
}

TEST_CASE("forgetting series gives their memory back") {
    shown_table t({.max_records = 2000});
    t.push(opened("x"), 1.0);
    t.end(now + 1);
    t.end(now + 2);
    const auto before = t->memory_bytes();

    for (int i = 0; i < 100; ++i) {
        const auto timer = opened("t" + std::to_string(i), series_kind::timer, {50.0});
        t.push(timer, 1.0);
        t.push_at(timer, 1.0, now - 20'000);
    }
    const auto used = t->memory_bytes();
    REQUIRE(t->end_interval(now + 3));
    t->clear_batch();
    t.end(now + 4);

    CHECK(used > before + 100 * 100);
    CHECK(t->live_series() == 0);
    CHECK(t->memory_bytes() < used);
}

TEST_CASE("series that take more than their part go before the interval ends, the oldest first") {
    shown_table t;
    const auto a = opened("a");
    const auto b = opened("b", series_kind::counter);
    t.push(a, 1.0);
    t.push(b, 2.0);
    t.push(b, 3.0);
    t.push_at(b, 4.0, now - 20'000);
    CHECK_FALSE(t->is_crowded());

    t->set_max_collected_bytes(1);
    lines gone;
    while (t->is_crowded()) {
        t->evict_one(now + 1);
        const auto one = t.take();
        gone.insert(gone.end(), one.begin(), one.end());
    }

    CHECK(gone == lines{"b=4@-13000 x1", "a=1@1 x1", "b=5@1 x2"});
    CHECK(t->open_records() == 0);
    CHECK(t->live_series() == 0);
    CHECK(t.end(now + 2) == lines{});
}

TEST_CASE(
    "a series that goes early twice in a millisecond, and ends in it too, has three moments") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    t->set_max_collected_bytes(1);
    for (int i = 0; i < 2; ++i) {
        t.push(c, 1.0);
        t->evict_one(now);
    }
    t.push(c, 2.0);

    CHECK(t.end(now) == lines{"c=1@0 x1", "c=1@1 x1", "c=2@2 x1"});
}

TEST_CASE("what a timer will send counts as well as what it collects") {
    shown_table t;
    t->set_max_collected_bytes(1000);
    const auto gauge = opened("g");
    t.push(gauge, 1.0);
    CHECK_FALSE(t->is_crowded());
    auto timer = opened("t", series_kind::timer);
    timer->dimensions = {{"k", std::string(200, 'v')}};
    t.push(timer, 1.0); // four measurements of more than 250 bytes
    CHECK(t->is_crowded());
    CHECK(t->memory_bytes() < 1000);
    t->evict_one(now);
    CHECK(t->is_crowded());
    t->evict_one(now);
    CHECK_FALSE(t->is_crowded());
}

TEST_CASE("drop_all forgets all that is collected and open, and the ledger says so") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    const auto e = opened("e", series_kind::every);
    t.push(c, 1.0);
    t.push_at(c, 1.0, now - 20'000);
    t.push(e, 1.0);
    t.push(c, infinite);
    REQUIRE(t->open_records() == 3);

    t->drop_all();

    CHECK(t->open_records() == 0);
    CHECK_FALSE(t->has_collected());
    CHECK(t->counts().dropped[reason::invalid_record] == 1);
    CHECK(t.end(now + 1) == lines{});
    t.push(c, 2.0);
    t.push(e, 3.0);
    CHECK(t.end(now + 2) == lines{"e=3@0 x1", "c=2@2 x1"});
}

TEST_CASE("drop_all in the middle of an interval's end leaves nothing behind") {
    shown_table t({.max_records = 1});
    const auto a = opened("a");
    const auto b = opened("b");
    t.push(a, 1.0);
    t.push(b, 2.0);
    REQUIRE_FALSE(t->end_interval(now + 1));

    t->drop_all();

    CHECK(t->open_records() == 0);
    CHECK(t.end(now + 2) == lines{});
}

TEST_CASE("a sum that is no number any more drops its records as invalid") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    t.push(c, 1e308);
    t.push(c, 1e308);

    CHECK(t.end(now + 1) == lines{});
    CHECK(t->counts().dropped[reason::invalid_record] == 2);
    CHECK(t->open_records() == 0);
    t.push(c, 1.0);
    CHECK(t.end(now + 2) == lines{"c=1@2 x1"});
}

TEST_CASE("a timer whose sum is no number any more sends all but that") {
    shown_table t;
    const auto timer = opened("t", series_kind::timer);
    t.push(timer, 1.5e308);
    t.push(timer, 1.5e308);

    CHECK(t.end(now + 1) == lines{"t.count=2@1 x0", "t.min=1.5e+308@1 x0", "t.max=1.5e+308@1 x2"});
    CHECK(t->counts().dropped.total() == 0);
}

TEST_CASE("a million pushes to one timer give one measurement per statistic") {
    shown_table t;
    const auto timer = opened("t", series_kind::timer, {50.0});
    for (int i = 1; i <= 1'000'000; ++i) {
        t.push(timer, 3.0);
    }

    CHECK(
        t.end(now + 1) == lines{
                              "t.count=1000000@1 x0",
                              "t.sum=3000000@1 x0",
                              "t.min=3@1 x0",
                              "t.max=3@1 x0",
                              "t.p50=3@1 x1000000"});
    CHECK(t->counts().merged == 999'999);
    CHECK(t->memory_bytes() < 100'000);
}

TEST_CASE("ten thousand intervals in the past are a reason to end the present one early") {
    shown_table t;
    const auto c = opened("c", series_kind::counter);
    for (int i = 1; i < 10'000; ++i) {
        t.push_at(c, 1.0, now - 10'000LL * i);
    }
    CHECK_FALSE(t->is_crowded());
    t.push_at(c, 1.0, now - 10'000LL * 10'000);
    CHECK(t->is_crowded());

    while (!t->end_interval(now + 1)) {
        t.take();
    }
    CHECK_FALSE(t->is_crowded());
}
}
