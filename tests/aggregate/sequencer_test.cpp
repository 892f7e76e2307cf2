#include "aggregate/sequencer.hpp"
#include "core/context_entry.hpp"
#include "support/records.hpp"

#include <monarc/field.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::aggregate;
using support::made_record;

namespace {

constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

// A record that says which thread pushed it as its what.
struct tag {
    std::uint64_t stamp;
    int thread;
    int number;

    bool operator==(const tag&) const = default;
};

void add(sequencer& to, const made_record& record) {
    const auto bytes = record.bytes();
    to.add(queued_record(bytes.data()));
}

void add(sequencer& to, const tag& t) {
    const auto id = std::to_string(t.thread) + '.' + std::to_string(t.number);
    add(to, support::made("sequencer"_class(id), "n"_key = t.number).stamped(t.stamp));
}

tag tag_of(const record_view& record) {
    const auto dot = record.id.find('.');
    return {
        record.stamp,
        std::stoi(std::string(record.id.substr(0, dot))),
        std::stoi(std::string(record.id.substr(dot + 1)))};
}

std::vector<tag> taken(sequencer& from, std::uint64_t newest = all) {
    std::vector<tag> tags;
    from.sort();
    from.take_up_to(newest, [&](const record_view& record) { tags.push_back(tag_of(record)); });
    return tags;
}

} // namespace

TEST_SUITE("aggregate/sequencer") {
TEST_CASE("a record comes out with all that it had") {
    sequencer order;
    detail::context_entry entry;
    const auto with_id =
        support::made("sequencer"_class("id"), "text"_key = "hello", "n"_key = 7).at(-5).stamped(1);
    const auto with_handle = support::made_for(entry, "n"_key = 8).stamped(2);
    const auto bare = support::made("sequencer"_class("")).stamped(3);

    add(order, with_id);
    add(order, with_handle);
    add(order, bare);

    order.sort();
    const std::vector<made_record> expected{with_id, with_handle, bare};
    auto next = expected.begin();
    order.take_up_to(all, [&](const record_view& record) {
        CHECK(record.shape == next->shape);
        CHECK(record.stamp == next->stamp);
        CHECK(record.when == next->when);
        CHECK(record.context == next->context);
        CHECK(record.body == next->body);
        CHECK(record.id == next->id);
        ++next;
    });
    CHECK(next == expected.end());
    CHECK(order.count() == 0);
}

TEST_CASE("16.6 records of several threads come in the order of their stamps") {
    sequencer order;
    for (const auto& t :
         {tag{1, 1, 1},
          tag{4, 1, 2},
          tag{9, 1, 3}, // one run a thread
          tag{2, 2, 1},
          tag{3, 2, 2},
          tag{8, 2, 3},
          tag{0, 3, 1},
          tag{5, 3, 2},
          tag{7, 3, 3}}) {
        add(order, t);
    }

    CHECK(
        taken(order) == std::vector<tag>{
                            {0, 3, 1},
                            {1, 1, 1},
                            {2, 2, 1},
                            {3, 2, 2},
                            {4, 1, 2},
                            {5, 3, 2},
                            {7, 3, 3},
                            {8, 2, 3},
                            {9, 1, 3}});
}

TEST_CASE("records of one thread with one stamp keep their order, and threads theirs of adding") {
    sequencer order;
    for (const auto& t :
         {tag{5, 1, 1},
          tag{5, 1, 2},
          tag{6, 1, 3},
          tag{5, 2, 1},
          tag{5, 2, 2},
          tag{4, 3, 1},
          tag{5, 3, 2}}) {
        add(order, t);
    }

    CHECK(
        taken(order) ==
        std::vector<tag>{
            {4, 3, 1}, {5, 1, 1}, {5, 1, 2}, {5, 2, 1}, {5, 2, 2}, {5, 3, 2}, {6, 1, 3}});
}

TEST_CASE("what is younger than the point up to which all is there waits for the next pass") {
    sequencer order;
    for (const auto& t : {tag{1, 1, 1}, tag{5, 1, 2}, tag{6, 1, 3}, tag{2, 2, 1}, tag{7, 2, 2}}) {
        add(order, t);
    }

    CHECK(taken(order, 4) == std::vector<tag>{{1, 1, 1}, {2, 2, 1}});
    CHECK(order.count() == 3);
    add(order, {4, 3, 1});
    add(order, {6, 2, 3});
    CHECK(taken(order, 6) == std::vector<tag>{{4, 3, 1}, {5, 1, 2}, {6, 1, 3}, {6, 2, 3}});
    CHECK(taken(order, 6).empty());
    CHECK(taken(order, 7) == std::vector<tag>{{7, 2, 2}});
    CHECK(order.count() == 0);
}

TEST_CASE("nothing is taken before anything was added, or up to a point before all") {
    sequencer order;

    CHECK(taken(order).empty());
    add(order, {5, 1, 1});
    CHECK(taken(order, 4).empty());
    CHECK(order.count() == 1);
    CHECK(taken(order, 5) == std::vector<tag>{{5, 1, 1}});
}

TEST_CASE("one thread alone comes as it was added, over many passes") {
    sequencer order;
    std::vector<tag> expected;
    std::vector<tag> got;

    for (int i = 0; i < 1000; ++i) {
        expected.push_back({static_cast<std::uint64_t>(i / 3), 1, i});
        add(order, expected.back());
        if (i % 100 == 99) {
            for (const auto& one : taken(order, static_cast<std::uint64_t>(i / 3 - 10))) {
                got.push_back(one);
            }
        }
    }
    for (const auto& one : taken(order)) {
        got.push_back(one);
    }

    CHECK(got == expected);
}

TEST_CASE("the memory of a pass is kept and counted") {
    sequencer order;
    for (int i = 0; i < 1000; ++i) {
        add(order, {static_cast<std::uint64_t>(i), 1, i});
    }
    taken(order);

    CHECK(order.memory_bytes() >= 1000 * 16);
}

TEST_CASE("random passes of random threads come as a stable sort puts them") {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        sequencer order;
        std::vector<tag> waiting; // in the order of adding
        std::vector<std::uint64_t> clocks(1 + random() % 9);
        std::uint64_t complete = 0; // nothing at most this old comes any more
        int number = 0;
        bool is_right = true;

        for (int pass = 0; pass < 20; ++pass) {
            for (std::size_t thread = 0; thread < clocks.size(); ++thread) {
                clocks[thread] = std::max(clocks[thread], complete + 1);
                for (auto count = random() % 12; count != 0; --count) {
                    clocks[thread] += random() % 4;
                    waiting.push_back({clocks[thread], static_cast<int>(thread), ++number});
                    add(order, waiting.back());
                }
            }
            complete += random() % 20;
            std::stable_sort(waiting.begin(), waiting.end(), [](const tag& a, const tag& b) {
                return a.stamp < b.stamp;
            });
            const auto end = std::find_if(
                waiting.begin(), waiting.end(), [&](const tag& t) { return t.stamp > complete; });
            is_right = is_right && taken(order, complete) == std::vector<tag>(waiting.begin(), end);
            waiting.erase(waiting.begin(), end);
            is_right = is_right && order.count() == waiting.size();
        }
        CHECK(is_right);
    }
}
}
