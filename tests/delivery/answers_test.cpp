// What an answer means that is neither yes nor no to the whole payload (delivery.md D-7.2, D-6.5,
// D-11.4, D-2.3, section 5).

#include "delivery/delivery.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iterator>
#include <numeric>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::delivery;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{};
const outcome acked{.what = verdict::delivered};
const outcome suspect{
    .what = verdict::suspect, .was_written = true, .was_answered = true, .why = "422"};
const outcome failed{
    .what = verdict::retry, .was_written = true, .was_answered = true, .why = "503"};

using entries = std::vector<int>;

// Its entries stand in its body, one record each.
payload made(const entries& of) {
    payload p;
    for (const auto one : of) {
        p.body += std::to_string(one) + ' ';
    }
    p.entry_records.assign(of.size(), 1);
    p.records = of.size();
    p.plain_bytes = p.body.size();
    return p;
}
entries numbered(int count) {
    entries all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    return all;
}
entries read(const payload& p) {
    std::istringstream from(p.body);
    return {std::istream_iterator<int>(from), {}};
}

delivery_settings unordered(std::size_t max_in_flight) {
    return {
        .retry = {.min_wait = 1s, .max_wait = 60s},
        .max_in_flight = max_in_flight,
        .is_ordered = false};
}

void cut_all(delivery_list& list) {
    while (const auto* whole = list.to_split()) {
        const auto all = read(*whole);
        if (all.size() < 2) {
            list.split_failed();
            continue;
        }
        const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
        list.split_done({made({all.begin(), middle}), made({middle, all.end()})});
    }
}

// Refuses a payload with a bad entry, as a whole.
struct strict_peer {
    std::set<int> bad;
    entries taken{};
    int requests = 0;

    outcome answer(const payload& p) {
        ++requests;
        const auto all = read(p);
        if (std::any_of(all.begin(), all.end(), [&](int one) { return bad.contains(one); })) {
            return suspect;
        }
        taken.insert(taken.end(), all.begin(), all.end());
        return acked;
    }
};

// Until the list is empty; answers come in the order of the attempts.
void deliver_all(delivery_list& list, strict_peer& peer) {
    std::deque<delivery_list::attempt> running;
    while (!list.is_empty()) {
        cut_all(list);
        while (auto attempt = list.next(start)) {
            running.push_back(std::move(*attempt));
        }
        if (running.empty()) { // the last one was dead
            continue;
        }
        const auto one = std::move(running.front());
        running.pop_front();
        list.done(one.number, peer.answer(*one.what), start, 0.5);
    }
}

std::set<int> drawn(std::mt19937& random, int count, int below) {
    std::set<int> all;
    while (static_cast<int>(all.size()) < count) {
        all.insert(std::uniform_int_distribution<int>(0, below - 1)(random));
    }
    return all;
}

entries without(entries all, const std::set<int>& bad) {
    std::erase_if(all, [&](int one) { return bad.contains(one); });
    return all;
}

// The next attempt, or nothing to send.
delivery_list::attempt begun(delivery_list& list, time_point now = start) {
    auto attempt = list.next(now);
    REQUIRE(attempt.has_value());
    return std::move(*attempt);
}

} // namespace

TEST_SUITE("delivery/answers") {
TEST_CASE("D-7.2 where the first half is taken the second is cut without being sent") {
    delivery_list list(unordered(4));
    list.append(made(numbered(8)), start);
    list.done(begun(list).number, suspect, start, 0.5);
    cut_all(list);

    const auto first = begun(list);
    CHECK(read(*first.what) == entries{0, 1, 2, 3});
    CHECK_FALSE(list.next(start).has_value()); // the second waits for what becomes of the first
    list.done(first.number, acked, start, 0.5);
    cut_all(list);

    CHECK(read(*begun(list).what) == entries{4, 5});
    CHECK(list.counts().delivered == 4);
}

TEST_CASE("D-7.2 where the first half is refused too both are tried") {
    delivery_list list(unordered(4));
    list.append(made(numbered(8)), start);
    list.done(begun(list).number, suspect, start, 0.5);
    cut_all(list);
    list.done(begun(list).number, suspect, start, 0.5);
    cut_all(list);

    CHECK(read(*begun(list).what) == entries{0, 1});
    CHECK(read(*begun(list).what) == entries{4, 5, 6, 7});
    CHECK_FALSE(list.next(start).has_value());
}

TEST_CASE("D-7.2 one bad entry among k costs at most 2 log2 k + 1 attempts, wherever it is") {
    for (const bool is_ordered : {false, true}) {
        for (const int k : {1, 2, 3, 5, 16, 37, 100}) {
            for (int bad = 0; bad < k; ++bad) {
                auto settings = unordered(is_ordered ? 1 : 4);
                settings.is_ordered = is_ordered;
                delivery_list list(settings);
                list.append(made(numbered(k)), start);
                strict_peer peer{.bad = {bad}};
                deliver_all(list, peer);

                CHECK(peer.requests <= 2 * std::bit_width(static_cast<unsigned>(k - 1)) + 1);
                CHECK(list.counts().dead[reason::rejected] == 1);
                CHECK(list.counts().delivered == static_cast<std::uint64_t>(k - 1));
                if (is_ordered) {
                    CHECK(peer.taken == without(numbered(k), {bad})); // in order (D-2.4)
                }
            }
        }
    }
}

TEST_CASE(
    "F14 1, 2 and 10 bad among 1000: exactly those are dead, in at most 21 and 256 attempts") {
    std::mt19937 random(14);
    for (int round = 0; round < 50; ++round) {
        for (const int count : {1, 2, 10}) {
            delivery_list list(unordered(4));
            list.append(made(numbered(1000)), start);
            strict_peer peer{.bad = drawn(random, count, 1000)};
            deliver_all(list, peer);

            CHECK(peer.requests <= (count == 1 ? 21 : 256));
            CHECK(list.counts().attempts == static_cast<std::uint64_t>(peer.requests));
            CHECK(list.counts().dead.total() == static_cast<std::uint64_t>(count));
            CHECK(list.level() == 0); // D-6.1: that is no failure of the destination
            std::sort(peer.taken.begin(), peer.taken.end());
            CHECK(peer.taken == without(numbered(1000), peer.bad));
        }
    }
}

TEST_CASE(
    "D-7.2 after 256 attempts the rest of the payload is dead, and nothing is lost uncounted") {
    for (const std::size_t in_flight : {std::size_t{1}, std::size_t{4}}) {
        delivery_list list(unordered(in_flight));
        list.append(made(numbered(1000)), start);
        strict_peer peer;
        for (int i = 0; i < 1000; i += 2) {
            peer.bad.insert(i);
        }
        deliver_all(list, peer);

        CHECK(peer.requests == 256);
        CHECK(list.counts().dead[reason::rejected] + list.counts().delivered == 1000);
        CHECK(list.counts().delivered == peer.taken.size());
        CHECK(list.counts().delivered > 0); // good parts are
        CHECK(list.memory_bytes() == 0);
        CHECK_FALSE(list.is_searching());
    }
}

TEST_CASE("D-7.2 an outage in the middle of a search uses no attempts of it up") {
    delivery_list list(unordered(1));
    list.append(made(numbered(4)), start);
    list.done(begun(list).number, suspect, start, 0.5);
    auto now = start;
    for (int i = 0; i < 1000; ++i) {
        cut_all(list);
        list.done(begun(list, now).number, failed, now, 0.5);
        now += list.wait();
    }

    CHECK(list.counts().dead.total() == 0);
    CHECK(list.ready_records() == 4);
}

TEST_CASE("D-7.4 others pass while a payload is searched") {
    delivery_list list(unordered(4));
    list.append(made(numbered(8)), start);
    list.append(made({100}), start);
    const auto bad = begun(list);
    list.done(bad.number, suspect, start, 0.5);
    cut_all(list);

    CHECK(read(*begun(list).what) == entries{0, 1, 2, 3});
    CHECK(read(*begun(list).what) == entries{100});
}

TEST_CASE("D-7.2 a first half that is lost some other way leaves the second to be tried") {
    delivery_list list(unordered(4));
    list.append(made(numbered(4)), start);
    list.done(begun(list).number, suspect, start, 0.5);
    cut_all(list);

    REQUIRE(list.drop_oldest(reason::memory));

    CHECK(read(*begun(list).what) == entries{2, 3});
}

TEST_CASE("D-9.1 a watch follows a search to its end") {
    delivery_list list(unordered(1));
    list.append(made(numbered(10)), start);
    delivery_list::watch w;
    list.begin(w);
    strict_peer peer{.bad = {3, 7}};
    deliver_all(list, peer);

    CHECK(list.is_over(w));
    CHECK(w.counts().delivered == 8);
    CHECK(w.counts().dead == 2);
    list.end(w);
}

TEST_CASE("F16 D-5 of a partial answer the listed entries are dead, the others delivered") {
    for (const bool is_ordered : {false, true}) {
        delivery_list list({.max_in_flight = 1, .is_ordered = is_ordered});
        auto p = made(numbered(5));
        p.entry_records = {1, 2, 0, 4, 8};
        p.records = 15;
        list.append(std::move(p), start);
        delivery_list::watch w;
        list.begin(w);
        // A place that is named twice counts once, one behind the end not at all; entry 2 belongs
        // to 3.
        const outcome partial{
            .what = verdict::partial, .was_written = true, .refused = {0, 2, 0, 5, 4'000'000'000u}};
        list.done(begun(list).number, partial, start, 0.5);

        CHECK(list.is_empty());
        CHECK(list.counts().dead[reason::rejected] == 5);
        CHECK(list.counts().delivered == 10);
        CHECK(list.counts().attempts == 1); // nothing is sent again
        CHECK(list.level() == 0);
        CHECK(w.counts().dead == 5);
        CHECK(w.counts().delivered == 10);
        list.end(w);
    }
}

TEST_CASE("D-3.6 what is wanted plain goes again at once, as another payload in the same place") {
    delivery_list list(unordered(1));
    auto packed = made(numbered(3));
    packed.is_gzip = true;
    list.append(std::move(packed), start);
    list.append(made({9}), start);
    list.done(begun(list).number, {.what = verdict::plain, .why = "400"}, start, 0.5);

    REQUIRE(list.to_send_plain() != nullptr);
    CHECK(list.to_send_plain()->is_gzip);
    CHECK(read(*begun(list).what) == entries{9}); // not before it is plain
    list.plain_done(made(numbered(3)));
    CHECK(list.to_send_plain() == nullptr);
    CHECK(list.level() == 0);
    CHECK(list.counts().retries == 0);
    CHECK_FALSE(list.is_waiting(start));
    CHECK(list.ready_records() == 3);
}

TEST_CASE("D-3.6 what cannot be made plain is dead") {
    delivery_list list(unordered(1));
    list.append(made(numbered(3)), start);
    list.done(begun(list).number, {.what = verdict::plain}, start, 0.5);
    list.plain_failed();

    CHECK(list.is_empty());
    CHECK(list.counts().dead[reason::rejected] == 3);
    CHECK(list.memory_bytes() == 0);
}

TEST_CASE("D-6.5 fresh tokens and plain payloads take from the bucket; then it is a failure") {
    for (const auto what : {verdict::fresh_token, verdict::plain}) {
        delivery_list list(unordered(1));
        list.append(made({1}), start);
        const outcome again{.what = what, .kind = failure::network, .why = "again"};
        for (int i = 0; i < 10; ++i) {
            list.done(begun(list).number, again, start, 0.5);
            if (what == verdict::plain) {
                list.plain_done(made({1}));
            }
            CHECK(list.level() == 0);
        }
        list.done(begun(list).number, again, start, 0.5);

        CHECK(list.level() == 1);
        CHECK(list.is_waiting(start));
    }
}

TEST_CASE("D-11.4 an attempt that only wants a fresh token does not count as one") {
    auto settings = unordered(1);
    settings.retry.max_attempts = 2;
    delivery_list list(settings);
    list.append(made({1}), start);
    for (int i = 0; i < 5; ++i) {
        list.done(begun(list).number, {.what = verdict::fresh_token}, start, 0.5);
    }

    CHECK(list.counts().retries == 0);
    CHECK(list.ready_records() == 1);
}

TEST_CASE("D-2.3 a payload that may not be repeated is dead(uncertain) when its answer is lost") {
    for (const bool is_ordered : {false, true}) {
        for (const auto what : {verdict::retry, verdict::again}) {
            delivery_list list({.max_in_flight = 1, .is_ordered = is_ordered});
            auto p = made(numbered(3));
            p.is_repeatable = false;
            list.append(std::move(p), start);
            list.append(made({7}), start);
            list.done(begun(list).number, {.what = what, .was_written = true}, start, 0.5);

            CHECK(list.counts().dead[reason::uncertain] == 3);
            CHECK(list.is_waiting(start) == (what == verdict::retry)); // the peer did fail
            CHECK(read(*begun(list, start + list.wait()).what) == entries{7});
        }
    }
}

TEST_CASE("D-2.3 what was answered, or never arrived whole, is sent again all the same") {
    for (const auto& end :
         {failed, outcome{.what = verdict::retry, .was_written = false, .why = "reset"}}) {
        delivery_list list(unordered(1));
        auto p = made(numbered(3));
        p.is_repeatable = false;
        list.append(std::move(p), start);
        list.done(begun(list).number, end, start, 0.5);

        CHECK(list.counts().dead.total() == 0);
        CHECK(read(*begun(list, start + list.wait()).what) == numbered(3));
    }
}

TEST_CASE("a refused login or token shows as rejected_credentials until something is delivered") {
    delivery_list list(unordered(1));
    list.append(made({1}), start);
    const outcome unauthorized{
        .what = verdict::retry, .was_answered = true, .kind = failure::auth, .why = "401"};
    list.done(begun(list).number, unauthorized, start, 0.5);
    CHECK(list.state() == health::rejected_credentials);

    list.done(begun(list, start + list.wait()).number, acked, start, 0.5);
    CHECK(list.state() == health::ok);
}
}
