#include <monarc/stats.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>

using namespace monarc;

namespace {

// A snapshot in which every term is different and D-1.3 holds.
exporter_stats exact() {
    exporter_stats s;
    s.rejected[reason::queue_full] = 3;
    s.rejected[reason::closed] = 4;
    s.accepted = 1000;
    s.pushed = 1007;
    destination_stats d;
    d.accepted = 1000;
    d.delivered = 500;
    d.delivered_unacked = 100;
    d.dead[reason::attempts] = 20;
    d.dropped[reason::memory] = 30;
    d.dropped[reason::shutdown] = 5;
    d.filtered[reason::empty] = 45;
    d.queued = 50;
    d.open = 60;
    d.ready = 90;
    d.in_flight = 100;
    d.pending = 300;
    s.destinations.push_back(d);
    return s;
}

} // namespace

TEST_SUITE("core/stats") {
TEST_CASE("D-1.3 a snapshot whose terms add up is exact") {
    CHECK(exporter_stats{}.is_exact());
    CHECK(exact().is_exact());
}

TEST_CASE("D-1.3 one record too many or too few in any term is noticed") {
    const std::function<std::uint64_t&(exporter_stats&)> terms[] = {
        [](auto& s) -> auto& {return s.pushed;
}
, [](auto& s) -> auto& {
    return s.accepted;
}
, [](auto& s) -> auto& {
    return s.rejected[reason::too_many_names];
}
, [](auto& s) -> auto& {
    return s.destinations[0].accepted;
}
, [](auto& s) -> auto& {
    return s.destinations[0].delivered;
}
, [](auto& s) -> auto& {
    return s.destinations[0].delivered_unacked;
}
, [](auto& s) -> auto& {
    return s.destinations[0].dead[reason::rejected];
}
, [](auto& s) -> auto& {
    return s.destinations[0].dropped[reason::expired];
}
, [](auto& s) -> auto& {
    return s.destinations[0].filtered[reason::empty];
}
, [](auto& s) -> auto& {
    return s.destinations[0].pending;
}
, [](auto& s) -> auto& {
    return s.destinations[0].queued;
}
, [](auto& s) -> auto& {
    return s.destinations[0].open;
}
, [](auto& s) -> auto& {
    return s.destinations[0].ready;
}
, [](auto& s) -> auto& {
    return s.destinations[0].in_flight;
}
,
};

for (const auto& term : terms) {
    auto more = exact();
    ++term(more);
    CHECK_FALSE(more.is_exact());
    auto less = exact();
    --term(less);
    CHECK_FALSE(less.is_exact());
}
}

TEST_CASE("D-1.3 holds only if it holds in every destination") {
    auto s = exact();
    s.destinations.push_back(s.destinations[0]);
    CHECK(s.is_exact());

    ++s.destinations[1].delivered;

    CHECK_FALSE(s.is_exact());
}

TEST_CASE("every reason has a word of its own") {
    std::set<std::string_view> words;
    for (std::size_t i = 0; i < reason_total; ++i) {
        const auto word = to_string(static_cast<reason>(i));
        CHECK(word != "unknown");
        words.insert(word);
    }

    CHECK(words.size() == reason_total);
    CHECK(to_string(reason::queue_full) == "queue_full");
    CHECK(to_string(reason::too_many_names) == "too_many_names");
    CHECK(to_string(reason::too_large) == "too_large");
    CHECK(to_string(static_cast<reason>(reason_total)) == "unknown");
}

TEST_CASE("counts by reason are apart and add up") {
    reason_counts counts;
    CHECK(counts.total() == 0);

    counts[reason::queue_full] = 1;
    counts[reason::too_large] = 41;

    CHECK(counts[reason::queue_full] == 1);
    CHECK(counts[reason::oversize] == 0);
    CHECK(counts[reason::too_large] == 41);
    CHECK(counts.total() == 42);
}

TEST_CASE("D-9.1 a flush is clean if nothing is pending, refused or lost and no error came") {
    CHECK(flush_result{}.is_clean());
    const auto cleared = [](std::uint64_t flush_result::*term) {
        flush_result result{.accepted = 9, .delivered = 5, .error = {}};
        result.*term = 3;
        return result.is_clean();
    };
    CHECK(cleared(&flush_result::delivered));
    CHECK(cleared(&flush_result::delivered_unacked));
    CHECK(cleared(&flush_result::filtered));
    CHECK_FALSE(cleared(&flush_result::pending));
    CHECK_FALSE(cleared(&flush_result::dead));
    CHECK_FALSE(cleared(&flush_result::dropped));
    flush_result late;
    late.error = std::make_error_code(std::errc::timed_out);
    CHECK_FALSE(late.is_clean());
}
}
