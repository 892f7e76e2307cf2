#include "delivery/delivery.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace monarc;
using namespace monarc::delivery;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{};
const outcome acked{.what = verdict::delivered};
const outcome sent{.what = verdict::delivered_unacked};
const outcome refused{.what = verdict::retry, .was_written = false, .why = "refused"};
const outcome reset{.what = verdict::retry, .was_written = true, .why = "reset"};
const outcome given_up{.what = verdict::abandoned};
const outcome too_large{.what = verdict::too_large, .was_written = true};
const outcome closed_idle{.what = verdict::again};
const outcome rejected{.what = verdict::rejected, .was_written = true, .was_answered = true};

const outcome internal_error{
    .what = verdict::retry,
    .was_written = true,
    .was_answered = true,
    .was_internal_error = true,
    .why = "500"};

// An error of the peer's.
outcome answered(failure kind, std::chrono::milliseconds retry_after = 0ms) {
    return {
        .what = verdict::retry,
        .was_written = true,
        .was_answered = true,
        .kind = kind,
        .retry_after = retry_after,
        .why = "answered"};
}

// As Monasca's: each payload is alone.
delivery_settings unordered(std::size_t max_in_flight = 8) {
    return {
        .retry = {.min_wait = 1s, .max_wait = 60s},
        .max_in_flight = max_in_flight,
        .is_ordered = false,
        .max_payload_bytes = 256 * 1024};
}

// `entries` of one record each.
payload made(std::string name, std::uint32_t entries = 1, std::size_t bytes = 0) {
    payload p;
    p.id = std::move(name);
    p.body = std::string(bytes, 'b');
    p.plain_bytes = 3 * bytes;
    p.entry_records.assign(entries, 1);
    p.records = entries;
    return p;
}

// What a destination does: cuts in the middle.
std::optional<std::array<payload, 2>> halved(const payload& whole) {
    const auto count = static_cast<std::uint32_t>(whole.entry_records.size());
    if (count < 2) {
        return std::nullopt;
    }
    return std::array{made(whole.id + "<", count / 2), made(whole.id + ">", count - count / 2)};
}

class driven_list {
public:
    explicit driven_list(const delivery_settings& s = {}) : list_(s) {}

    void append(const std::string& name, std::uint32_t entries = 1) {
        list_.append(made(name, entries), now_);
    }
    // Everything that may be written now, by name.
    std::vector<std::string> begin_all() {
        std::vector<std::string> names;
        while (auto attempt = list_.next(now_)) {
            names.push_back(attempt->what->id);
            running_[attempt->what->id] = attempt->number;
        }
        return names;
    }
    void done(const std::string& name, const outcome& result, double uniform = 0.5) {
        list_.done(running_.at(name), result, now_, uniform);
    }
    // What is written after the wait, by name; the first of it has this outcome.
    std::string probe(const outcome& result) {
        pass(list_.wait());
        std::string all;
        const auto begun = begin_all();
        for (const auto& name : begun) {
            all += (all.empty() ? "" : " ") + name;
        }
        if (!begun.empty()) {
            done(begun[0], result);
        }
        return all;
    }
    void pass(std::chrono::milliseconds time) { now_ += time; }
    std::uint64_t number_of(const std::string& name) const { return running_.at(name); }
    time_point now() const { return now_; }
    delivery_list& operator*() noexcept { return list_; }
    delivery_list* operator->() noexcept { return &list_; }

private:
    delivery_list list_;
    time_point now_ = start;
    std::map<std::string, std::uint64_t> running_;
};

using names = std::vector<std::string>;

} // namespace

TEST_SUITE("delivery/delivery") {
TEST_CASE("payloads are written in the order in which they were sealed") {
    driven_list d;
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }

    CHECK(d.begin_all() == names{"1", "2", "3"});
    CHECK(d.begin_all().empty());
}

TEST_CASE("D-3.8 at most max_in_flight payloads, from the front, are in flight") {
    driven_list d({.max_in_flight = 3});
    for (const auto* name : {"1", "2", "3", "4", "5"}) {
        d.append(name, 2);
    }

    CHECK(d.begin_all() == names{"1", "2", "3"});
    CHECK(d->in_flight_records() == 6);
    CHECK(d->ready_records() == 4);
    d.done("1", acked);
    CHECK(d.begin_all() == names{"4"});
    CHECK(d->counts().delivered == 2);
}

TEST_CASE("D-5.4 a payload is delivered when all before it are acknowledged too") {
    driven_list d;
    for (const auto* name : {"1", "2", "3", "4"}) {
        d.append(name);
    }
    d.begin_all();

    d.done("3", acked);
    d.done("2", acked);
    CHECK(d->counts().delivered == 0);
    CHECK(d->in_flight_records() == 4);
    d.done("1", acked);
    CHECK(d->counts().delivered == 3);
    CHECK(d->in_flight_records() == 1);
    d.done("4", acked);
    CHECK(d->is_empty());
}

TEST_CASE("D-5.4 after a failure everything that is not delivered is sent again, in order") {
    driven_list d;
    for (const auto* name : {"1", "2", "3", "4"}) {
        d.append(name);
    }
    d.begin_all();
    d.done("1", acked);
    d.done("3", acked); // applied by the peer, but not delivered: 2 is missing

    d.done("2", reset);

    CHECK(d->counts().delivered == 1);
    CHECK(d->in_flight_records() == 0);
    d.pass(d->wait());
    CHECK(d.begin_all() == names{"2"});
    d.done("2", acked);
    CHECK(d.begin_all() == names{"3", "4"});
}

TEST_CASE("D-2.2 what is sent again is the same payload, byte for byte") {
    delivery_list list({});
    list.append(made("id", 3, 100), start);
    const auto first = list.next(start);
    list.done(first->number, reset, start, 0.0);

    const auto second = list.next(start + list.wait());

    REQUIRE(second.has_value());
    CHECK(second->what == first->what); // the same object
    CHECK(second->number != first->number);
}

TEST_CASE("without an acknowledgement records are delivered_unacked, never delivered") {
    driven_list d;
    d.append("1", 5);
    d.begin_all();

    d.done("1", sent);

    CHECK(d->counts().delivered == 0);
    CHECK(d->counts().delivered_unacked == 5);
    CHECK(d->is_empty());
}

TEST_CASE("D-6.1 failures of payloads that were in flight together count once") {
    driven_list d;
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();

    for (const auto* name : {"1", "2", "3"}) {
        d.done(name, reset);
    }

    CHECK(d->level() == 1);
    CHECK(d->counts().retries == 1);
    CHECK(d->counts().late_answers == 0); // of these no answer came
}

TEST_CASE("D-6.1 after a failure nothing is sent for the wait, then one probe, then the others") {
    driven_list d;
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();
    d.done("1", refused, 0.0);

    CHECK(d->wait() == 25ms);
    CHECK(d->is_waiting(d.now()));
    d.pass(24ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK(d.begin_all() == names{"1"});
    d.append("4");
    d.pass(1h);
    CHECK(d.begin_all().empty()); // one at a time
    d.done("1", acked);
    CHECK(d.begin_all() == names{"2", "3", "4"});
}

TEST_CASE("D-6.1 the level rises by one with each failure up to the top, and halves by delivery") {
    driven_list d;
    for (int i = 0; i < 20; ++i) {
        d.append(std::to_string(i));
    }
    for (int failures = 1; failures <= 15; ++failures) {
        d.probe(refused);
        CHECK(d->level() == std::min(failures, 11));
    }

    d.probe(acked);
    CHECK(d->level() == 5);
    d.begin_all();
    int delivered = 0;
    for (const int level : {2, 1, 0, 0}) {
        d.done(std::to_string(++delivered), acked);
        CHECK(d->level() == level);
    }
}

TEST_CASE("D-6.1 a payload that is sent and never answered changes nothing until it is") {
    driven_list d;
    d.append("1");
    d.begin_all();

    d.pass(1h);

    CHECK(d.begin_all().empty());
    CHECK(d->level() == 0);
    CHECK(d->in_flight_records() == 1);
}

TEST_CASE("D-6.7 retry_now cuts a running wait short, and only that one") {
    driven_list d;
    d.append("1");
    d.probe(refused);
    CHECK(d.begin_all().empty());

    d->retry_now();
    CHECK(d.begin_all() == names{"1"});
    d.done("1", refused);

    CHECK(d.begin_all().empty());
    CHECK(d->level() == 2);
}

TEST_CASE("D-3.4 an answer for an attempt that was given up is counted late and changes nothing") {
    driven_list d;
    d.append("1");
    d.append("2");
    d.begin_all();
    const auto old_first = d.number_of("1");
    const auto old_second = d.number_of("2");
    d.done("1", reset);
    const auto level = d->level();

    d->done(old_second, acked, d.now(), 0.0); // late
    d->done(old_first, acked, d.now(), 0.0);  // twice for one attempt
    d->done(old_first, reset, d.now(), 0.0);
    d->done(12'345, acked, d.now(), 0.0); // of nothing at all

    CHECK(d->counts().late_answers == 3);
    CHECK(d->counts().delivered == 0);
    CHECK(d->level() == level);
    d.pass(d->wait());
    CHECK(d.begin_all() == names{"1"}); // a later attempt is not touched by it
    d->done(old_first, acked, d.now(), 0.0);
    CHECK(d->counts().delivered == 0);
    CHECK(d->in_flight_records() == 1);
    d.done("1", acked);
    CHECK(d->counts().delivered == 1);
}

TEST_CASE("D-3.5 an acknowledgement that comes twice counts once") {
    driven_list d;
    d.append("1");
    d.append("2");
    d.begin_all();

    d.done("2", acked);
    d.done("2", acked);
    d.done("1", acked);
    d.done("1", acked);

    CHECK(d->counts().delivered == 2);
    CHECK(d->counts().late_answers == 2);
}

TEST_CASE("an attempt that we gave up ourselves is no failure of the destination") {
    driven_list d;
    d.append("1");
    d.append("2");
    d.begin_all();
    d.done("2", acked);

    d.done("1", given_up);

    CHECK(d->level() == 0);
    CHECK(d->counts().retries == 0);
    CHECK(d->counts().delivered == 0);
    CHECK(d->ready_records() == 2);
    CHECK(d.begin_all() == names{"1", "2"});
}

TEST_CASE("health is ok, degraded with a failure, down from the third in a row") {
    driven_list d;
    d.append("1");
    d.append("2");

    CHECK(d->state() == health::ok);
    d.probe(refused);
    CHECK(d->state() == health::degraded);
    d.probe(refused);
    CHECK(d->state() == health::degraded);
    d.probe(refused);
    CHECK(d->state() == health::down);
    d.probe(acked);
    CHECK(d->state() == health::ok);
}

TEST_CASE("D-6.6 a payload older than max_age is dropped as expired, unless it is in flight") {
    driven_list d({.retry = {.max_age = 10s}, .max_in_flight = 1});
    d.append("1", 3);
    d.pass(1s);
    d.append("2", 4);
    d.pass(5s);
    d.append("3", 5);
    d.begin_all();

    d.pass(4s);
    d->expire(d.now());
    CHECK(d->counts().dropped.total() == 0);
    d.pass(2s); // 12 s, 11 s and 6 s old
    d->expire(d.now());
    CHECK(d->counts().dropped[reason::expired] == 4);
    d.done("1", refused);
    d->expire(d.now());
    CHECK(d->counts().dropped[reason::expired] == 7);
    CHECK(d->counts().dropped_bytes[reason::expired] == 0);

    d.pass(d->wait());
    CHECK(d.begin_all() == names{"3"});
}

TEST_CASE("D-6.6 without max_age nothing expires") {
    driven_list d;
    d.append("1");

    d->expire(d.now() + 1000h);

    CHECK_FALSE(d->is_empty());
}

TEST_CASE("D-6.6 a payload that failed max_attempts times is dead, and the next goes on") {
    driven_list d({.retry = {.max_attempts = 3}});
    d.append("1", 7);
    d.probe(refused);
    d.probe(refused);
    d.append("2");
    CHECK(d->counts().dead.total() == 0);

    d.probe(refused);

    CHECK(d->counts().dead[reason::attempts] == 7);
    CHECK(d.probe(acked) == "2");
    CHECK(d->counts().delivered == 1);
    CHECK(d->is_empty());
}

TEST_CASE("D-6.6 an attempt counts for each payload that was in flight") {
    driven_list d({.retry = {.max_attempts = 1}, .max_in_flight = 2});
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();

    d.done("2", refused);

    CHECK(d->counts().dead[reason::attempts] == 2);
    CHECK(d.probe(acked) == "3");
}

TEST_CASE("D-8 the oldest payload that is not in flight is dropped first") {
    driven_list d({.max_in_flight = 2});
    for (const auto* name : {"1", "2", "3", "4"}) {
        d.append(name, 10);
    }
    d.begin_all();

    CHECK(d->drop_oldest(reason::memory)); // 3
    CHECK(d->drop_oldest(reason::memory)); // 4
    CHECK_FALSE(d->drop_oldest(reason::memory));

    CHECK(d->counts().dropped[reason::memory] == 20);
    CHECK(d->in_flight_records() == 20);
    CHECK(d->ready_records() == 0);
    d.done("1", acked);
    d.done("2", acked);
    CHECK(d->counts().delivered == 20);
    CHECK(d->is_empty());
    CHECK_FALSE(d->drop_oldest(reason::memory));
}

TEST_CASE(
    "D-5.4 an acknowledged payload that waits for those before it is not dropped for memory") {
    driven_list d({.max_in_flight = 2});
    d.append("1");
    d.append("2");
    d.begin_all();
    d.done("2", acked);

    CHECK_FALSE(d->drop_oldest(reason::memory));
}

TEST_CASE("dropping all ends every payload, in flight or not, and late answers do nothing") {
    driven_list d({.max_in_flight = 2});
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name, 2);
    }
    d.begin_all();
    d.done("2", acked);

    d->drop_all(reason::shutdown);

    CHECK(d->is_empty());
    CHECK(d->counts().dropped[reason::shutdown] == 6);
    CHECK(d->in_flight_records() == 0);
    CHECK(d->ready_records() == 0);
    CHECK(d->memory_bytes() == 0);
    d.done("1", acked);
    CHECK(d->counts().delivered == 0);
    CHECK(d->counts().late_answers == 1);
}

TEST_CASE("D-1.4 what is dropped counts in bytes too, and memory is given back") {
    delivery_list list({});
    auto one = made("1", 1, 1000);
    one.head = "head";
    one.tail = "tail!";
    list.append(std::move(one), start);
    CHECK(list.memory_bytes() >= 1009);
    CHECK(list.counts().wire_bytes == 1009);
    CHECK(list.counts().payload_bytes == 3000);

    list.drop_oldest(reason::memory);

    CHECK(list.counts().dropped_bytes[reason::memory] == 1009);
    CHECK(list.counts().dropped_bytes.total() == 1009);
    CHECK(list.memory_bytes() == 0);
}

TEST_CASE("D-4.9 the loss of a payload with class messages is told once") {
    delivery_list list({});
    list.append(made("plain"), start);
    list.drop_oldest(reason::memory);
    CHECK_FALSE(list.take_lost_class_messages());
    auto with_class = made("class");
    with_class.has_class_messages = true;
    list.append(std::move(with_class), start);
    CHECK_FALSE(list.take_lost_class_messages());

    list.drop_oldest(reason::memory);

    CHECK(list.take_lost_class_messages());
    CHECK_FALSE(list.take_lost_class_messages());
}

TEST_CASE("an attempt may outlive its payload") {
    delivery_list list({});
    list.append(made("1", 1, 100), start);
    const auto attempt = list.next(start);

    list.drop_all(reason::shutdown);

    CHECK(attempt->what->body == std::string(100, 'b'));
}

TEST_CASE("D-9.1 a watch counts what becomes of everything sealed before it, and nothing else") {
    driven_list d;
    d.append("before", 100);
    d.begin_all();
    d.done("before", acked);
    d.append("1", 1);
    d.append("2", 2);
    d.append("3", 4);
    d.append("4", 8);
    delivery_list::watch watch;
    d->begin(watch);
    d.append("after", 1000);

    CHECK(watch.counts().delivered == 100); // the totals of its beginning
    CHECK(d->pending(watch) == 15);
    CHECK_FALSE(d->is_over(watch));
    d.begin_all();
    d.done("1", acked);
    CHECK(d->pending(watch) == 14);
    d.done("2", refused);
    d->drop_oldest(reason::memory); // 2
    d.pass(d->wait());
    d.begin_all();
    d.done("3", sent);
    d.begin_all();
    CHECK(d->pending(watch) == 8);
    CHECK_FALSE(d->is_over(watch));
    d.done("4", acked);
    CHECK(d->is_over(watch));
    CHECK(d->pending(watch) == 0);
    d.done("after", acked);

    CHECK(watch.counts().delivered == 109);
    CHECK(watch.counts().delivered_unacked == 4);
    CHECK(watch.counts().dropped == 2);
    CHECK(watch.counts().dead == 0);
    d->end(watch);
    d.append("5");
    d.begin_all();
    d.done("5", acked);
    CHECK(watch.counts().delivered == 109);
}

TEST_CASE("D-9.1 a watch over nothing is over, and several may run") {
    driven_list d;
    delivery_list::watch none;
    d->begin(none);
    CHECK(d->is_over(none));
    d.append("1", 1);
    delivery_list::watch first;
    d->begin(first);
    d.append("2", 2);
    delivery_list::watch second;
    d->begin(second);
    d.begin_all();

    d.done("1", acked);
    CHECK(d->is_over(none));
    CHECK(d->is_over(first));
    CHECK_FALSE(d->is_over(second));
    d.done("2", acked);
    CHECK(d->is_over(second));
    CHECK(first.counts().delivered == 1);
    CHECK(second.counts().delivered == 3);
    CHECK(none.counts().delivered == 0);
}

// --- D-7.6 ---------------------------------------------------------------------------------------

TEST_CASE("D-7.6 after three resets in a row over one payload it is to be split") {
    driven_list d;
    d.append("bad", 4);
    d.append("good", 2);
    d.append("more", 1);

    CHECK(d.probe(reset) == "bad good more");
    CHECK(d.probe(reset) == "bad");
    CHECK(d->to_split() == nullptr);
    CHECK(d.probe(reset) == "bad");

    REQUIRE(d->to_split() != nullptr);
    CHECK(d->to_split()->id == "bad");
    d.pass(d->wait());
    CHECK(d.begin_all().empty()); // until it was cut
    CHECK(d->counts().delivered == 0);
    CHECK(d->counts().splits == 0);
}

TEST_CASE(
    "D-7.3 where a half fails too the next payload goes once before it, and in its turn again") {
    driven_list d;
    d.append("bad", 4);
    d.append("good", 2);
    for (int i = 0; i < 3; ++i) {
        d.pass(d->wait());
        d.begin_all();
        d.done("bad", reset);
    }
    d->split_done(*halved(*d->to_split()));
    CHECK(d.probe(reset) == "bad<");
    CHECK(d.probe(acked) == "bad>"); // the detour: does another pass?
    CHECK(d->counts().delivered == 0);
    REQUIRE(d->to_split() != nullptr);
    CHECK(d->to_split()->id == "bad<");
    const auto memory = d->memory_bytes();

    d->split_done(*halved(*d->to_split()));

    CHECK(d->to_split() == nullptr);
    CHECK(d->counts().splits == 2);
    CHECK(d->ready_records() == 6);
    CHECK(d->memory_bytes() >= memory);
    CHECK(d.begin_all() == names{"bad<<", "bad<>", "bad>", "good"});
    for (const auto* name : {"bad<<", "bad<>", "bad>", "good"}) {
        d.done(name, acked);
    }
    CHECK(d->counts().delivered == 6);
    CHECK(d->memory_bytes() == 0);
    CHECK(d->is_empty());
}

TEST_CASE("D-7.6 the one bad entry among k ends dead, all others are delivered") {
    for (const std::uint32_t entries : {1u, 2u, 3u, 8u, 100u, 1000u}) {
        CAPTURE(entries);
        driven_list d({.max_in_flight = 1});
        d.append("before", 5);
        d.append("p", entries);
        for (int i = 0; i < 3; ++i) {
            d.append("after" + std::to_string(i), 5);
        }

        // The fault is in the last entry.
        std::string poison = "p";
        for (std::uint32_t left = entries; left > 1; left -= left / 2) {
            poison += '>';
        }
        std::uint64_t attempts = 0;
        for (int i = 0; i < 10'000 && !d->is_empty(); ++i) {
            if (const auto* const suspect = d->to_split()) {
                auto halves = halved(*suspect);
                halves ? d->split_done(std::move(*halves)) : d->split_failed();
                continue;
            }
            d.pass(d->wait());
            for (const auto& name : d.begin_all()) {
                ++attempts;
                d.done(name, name[0] == 'p' && poison.starts_with(name) ? reset : acked);
            }
        }

        CHECK(d->is_empty());
        CHECK(d->counts().dead[reason::rejected] == 1);
        CHECK(d->counts().delivered == 20 + entries - 1);
        CHECK(attempts <= 256);
    }
}

TEST_CASE(
    "D-7.3 when nothing passes one payload is split, once: a receiver that is down loses nothing") {
    driven_list d;
    for (int i = 0; i < 20; ++i) {
        d.append(std::to_string(i), 10);
    }

    for (int i = 0; i < 2000; ++i) {
        d.pass(d->wait());
        const auto begun = d.begin_all();
        REQUIRE_FALSE(begun.empty());
        for (const auto& name : begun) {
            d.done(name, reset);
        }
        if (const auto* const suspect = d->to_split()) {
            d->split_done(*halved(*suspect));
        }
        REQUIRE(d->counts().splits <= 1);
    }

    CHECK(d->ready_records() == 200);
    CHECK(d->counts().splits == 1);
    CHECK(d->counts().dead.total() == 0);
    std::vector<std::string> order; // and in order, once it is back; what went early goes again
    for (int i = 0; i < 200 && !d->is_empty(); ++i) {
        if (const auto* const suspect = d->to_split()) {
            d->split_done(*halved(*suspect));
        }
        d.pass(d->wait());
        for (const auto& name : d.begin_all()) {
            std::erase(order, name);
            order.push_back(name);
            d.done(name, acked);
        }
    }
    CHECK(d->counts().delivered == 200);
    CHECK(std::is_sorted(order.begin(), order.end(), [](const auto& left, const auto& right) {
        return std::stoi(left) < std::stoi(right);
    }));
}

TEST_CASE("D-7.6 an entry that is alone in the list is never given up") {
    driven_list d;
    d.append("alone", 1);

    for (int i = 0; i < 20; ++i) {
        CHECK(d.probe(reset) == "alone");
    }

    CHECK(d->to_split() == nullptr);
    CHECK(d->ready_records() == 1);
}

TEST_CASE(
    "D-7.6 a payload that is alone is cut after three strikes, to compare it with its parts") {
    driven_list d;
    d.append("alone", 4);
    for (int i = 0; i < 3; ++i) {
        CHECK(d->to_split() == nullptr);
        CHECK(d.probe(reset) == "alone");
    }
    REQUIRE(d->to_split() != nullptr);
    CHECK(d->to_split()->id == "alone");
    d->split_done(*halved(*d->to_split()));

    CHECK(d.probe(acked) == "alone<");
    CHECK(d->counts().delivered == 2);
    CHECK(d.probe(reset) == "alone>"); // alone again, and the other part has passed
    REQUIRE(d->to_split() != nullptr);
    CHECK(d->to_split()->id == "alone>");
}

TEST_CASE("D-7.3 where nothing passes a payload that is alone is cut once, and no further") {
    driven_list d;
    d.append("alone", 8);
    for (int i = 0; i < 3; ++i) {
        d.probe(reset);
    }
    REQUIRE(d->to_split() != nullptr);
    d->split_done(*halved(*d->to_split()));

    for (int i = 0; i < 40; ++i) {
        d.probe(reset);
        CHECK(d->to_split() == nullptr);
    }
    CHECK(d->ready_records() == 8);
}

TEST_CASE("D-7.6 a payload whose failures were answered is not suspected") {
    driven_list d;
    d.append("1");
    d.append("2");
    d.pass(1h);
    d.begin_all();
    d.done("1", refused);
    const outcome unavailable{
        .what = verdict::retry, .was_written = true, .was_answered = true, .why = "503"};

    for (int i = 0; i < 20; ++i) {
        CHECK(d.probe(unavailable) == "1"); // no other goes before it
    }

    CHECK(d->to_split() == nullptr);
}

TEST_CASE("D-7.6 a payload that was never written is not suspected") {
    driven_list d;
    d.append("1");
    d.append("2");
    d.pass(1h);
    d.begin_all();
    d.done("1", refused);

    for (int i = 0; i < 20; ++i) {
        CHECK(d.probe(i % 3 == 2 ? refused : reset) == "1"); // never three resets in a row
    }

    CHECK(d->to_split() == nullptr);
}

TEST_CASE(
    "D-7.6 an entry that cannot be cut is given up when others passed it twelve times in a row") {
    driven_list d;
    d.append("bad", 1);
    d.append("good", 7);
    d.probe(reset);
    d.probe(reset);

    for (int passed = 1; passed <= 12; ++passed) {
        CHECK(d->to_split() == nullptr);
        CHECK(d.probe(reset).starts_with("bad"));
        CHECK(d.probe(acked) == "good");
        CHECK(d->counts().delivered == 0); // sent early, it goes again in its turn
    }
    REQUIRE(d->to_split() != nullptr);
    d->split_failed();

    CHECK(d->counts().dead[reason::rejected] == 1);
    CHECK(d.begin_all() == names{"good"});
    d.done("good", acked);
    CHECK(d->counts().delivered == 7); // and counts once
    CHECK(d->is_empty());
}

TEST_CASE("D-7.6 the suspicion ends with the payload that it was about") {
    // The next attempt would be the detour, or, with two entries, it is to be cut.
    const auto make_suspect = [](driven_list& d, std::uint32_t entries = 1) {
        d.append("bad", entries);
        d.pass(5s);
        d.append("second");
        d.append("third");
        for (int i = 0; i < 3; ++i) {
            d.pass(d->wait());
            d.begin_all();
            d.done("bad", reset);
        }
    };
    SUBCASE("when it is dropped for memory") {
        driven_list d;
        make_suspect(d);
        CHECK(d->drop_oldest(reason::memory));
        CHECK(d.probe(acked) == "second");
        CHECK(d->to_split() == nullptr);
        CHECK(d->counts().delivered == 1);
    }
    SUBCASE("when it expires") {
        driven_list d({.retry = {.max_age = 10s}});
        make_suspect(d);
        d.pass(9s);
        d->expire(d.now());
        CHECK(d->counts().dropped[reason::expired] == 1);
        CHECK(d.probe(acked) == "second");
        CHECK(d->to_split() == nullptr);
        CHECK(d->counts().delivered == 1);
    }
    SUBCASE("when it expires while the detour is under way") {
        driven_list d({.retry = {.max_age = 10s}});
        make_suspect(d);
        d.pass(d->wait());
        CHECK(d.begin_all() == names{"second"});
        d.pass(9s);
        d->expire(d.now());
        CHECK(d->counts().dropped[reason::expired] == 1);
        d.done("second", acked);
        CHECK(d->to_split() == nullptr);
        CHECK(d->counts().delivered == 1);
        CHECK(d.begin_all() == names{"third"});
    }
    SUBCASE("when it expires before it was cut") {
        driven_list d({.retry = {.max_age = 10s}});
        make_suspect(d, 2);
        REQUIRE(d->to_split() != nullptr);
        d.pass(9s);
        d->expire(d.now());
        CHECK(d->counts().dropped[reason::expired] == 2);
        CHECK(d->to_split() == nullptr);
        CHECK(d.probe(acked) == "second");
    }
    SUBCASE("when it had its last attempt") {
        driven_list d({.retry = {.max_attempts = 3}, .max_in_flight = 1});
        make_suspect(d);
        CHECK(d->counts().dead[reason::attempts] == 1);
        CHECK(d.probe(acked) == "second");
        CHECK(d->to_split() == nullptr);
        CHECK(d->counts().delivered == 1);
    }
}

TEST_CASE("D-9.1 a watch follows both halves of a payload that is split") {
    driven_list d;
    d.append("bad", 5);
    d.append("good", 10);
    delivery_list::watch watch;
    d->begin(watch);
    d.append("after", 100);
    for (int i = 0; i < 3; ++i) {
        d.pass(d->wait());
        d.begin_all();
        d.done("bad", reset);
    }
    d->split_done(*halved(*d->to_split()));

    CHECK(d->pending(watch) == 15);
    CHECK(d.probe(acked) == "bad<");
    CHECK(d->pending(watch) == 13);
    d.begin_all();
    d.done("bad>", acked);
    CHECK_FALSE(d->is_over(watch));
    d.done("good", acked);
    CHECK(d->is_over(watch));
    CHECK(watch.counts().delivered == 15);
    d->end(watch);
}

// --- D-7.3 ---------------------------------------------------------------------------------------

TEST_CASE("F15 D-7.3 after eight 500s in a row a payload is split, ordered or not") {
    for (const bool is_ordered : {true, false}) {
        CAPTURE(is_ordered);
        driven_list d({.max_in_flight = 1, .is_ordered = is_ordered});
        d.append("bad", 4);
        for (int i = 0; i < 8; ++i) {
            CHECK(d->to_split() == nullptr);
            CHECK(d.probe(internal_error) == "bad");
        }
        REQUIRE(d->to_split() != nullptr);
        CHECK(d->to_split()->id == "bad");
        CHECK(d->why_split() == cut_reason::poison);
        CHECK(d->counts().attempts == 8);
    }
}

TEST_CASE("D-7.3 other answers never make a payload suspicious, and end a row of 500s") {
    driven_list d;
    d.append("1", 4);
    for (int i = 0; i < 100; ++i) {
        d.probe(i % 8 == 7 ? answered(failure::throttle) : internal_error);
        CHECK(d->to_split() == nullptr);
    }
    d.append("2", 4);
    for (int i = 0; i < 20; ++i) {
        CHECK(d.probe(answered(failure::network)) == "1"); // a 502, say: no other goes before it
        CHECK(d->to_split() == nullptr);
    }
}

TEST_CASE("F15 D-7.6 where nothing is ordered the bad entry ends dead while the others flow") {
    for (const auto& how : {internal_error, reset}) {
        for (const std::size_t max_in_flight : {1u, 4u}) {
            for (const std::uint32_t entries : {1u, 2u, 7u, 100u}) {
                CAPTURE(how.why);
                CAPTURE(entries);
                driven_list d(unordered(max_in_flight));
                std::string poison = "p"; // the last entry
                for (std::uint32_t left = entries; left > 1; left -= left / 2) {
                    poison += '>';
                }
                d.append("p", entries);
                std::uint64_t appended = entries;
                std::uint64_t bad_attempts = 0;
                for (int i = 0; i < 10'000 && d->counts().dead.total() == 0; ++i) {
                    d.append(std::to_string(i)); // there is always more
                    ++appended;
                    if (const auto* const suspect = d->to_split()) {
                        auto halves = halved(*suspect);
                        halves ? d->split_done(std::move(*halves)) : d->split_failed();
                    }
                    d.pass(d->wait());
                    for (const auto& name : d.begin_all()) {
                        const bool is_bad = name[0] == 'p' && poison.starts_with(name);
                        bad_attempts += is_bad ? 1 : 0;
                        d.done(name, is_bad ? how : acked);
                    }
                }
                CHECK(d->counts().dead[reason::rejected] == 1);
                CHECK(bad_attempts <= 8 + 2 * 7 + 12);
                for (std::uint64_t i = 0; i < appended && !d->is_empty(); ++i) {
                    d.pass(d->wait());
                    for (const auto& name : d.begin_all()) {
                        d.done(name, acked);
                    }
                }
                CHECK(d->counts().delivered == appended - 1);
            }
        }
    }
}

TEST_CASE("D-7.3 the payload that is tried before its turn is not charged for it") {
    driven_list d({.retry = {.max_attempts = 12}, .max_in_flight = 1});
    d.append("bad", 2);
    d.append("next");
    for (int i = 0; i < 8; ++i) {
        d.probe(internal_error);
    }
    d->split_done(*halved(*d->to_split()));
    for (int i = 0; i < 12; ++i) { // down: each half and the next take turns in being tried first
        d.probe(internal_error);
    }
    CHECK(d->to_split() == nullptr); // nothing was delivered since the cut
    CHECK(d->counts().dead.total() == 0);

    std::vector<std::string> order;
    for (int i = 0; i < 10 && !d->is_empty(); ++i) {
        order.push_back(d.probe(acked));
    }
    CHECK(order == names{"bad<", "bad>", "next"});
    CHECK(d->counts().delivered == 3);
}

TEST_CASE("D-2.3 what does harm when it is applied twice is not sent before its turn") {
    for (const bool is_ordered : {true, false}) {
        driven_list d({.max_in_flight = 1, .is_ordered = is_ordered});
        d.append("bad");
        auto once = made("once");
        once.is_idempotent = false;
        (*d).append(std::move(once), d.now());
        std::string tried;
        for (int i = 0; i < 30 && tried != "once"; ++i) {
            d.pass(d->wait());
            tried = d.begin_all()[0];
            d.done(tried, tried == "bad" ? internal_error : acked);
        }
        // Unordered it went in its turn, behind the first 500.
        CHECK(tried == (is_ordered ? "bad" : "once"));
        CHECK(d->counts().delivered == (is_ordered ? 0u : 1u));
        CHECK(d->counts().dead.total() == 0);
    }
}

TEST_CASE("D-7.6 what the others did is not forgotten when the failure of another is told first") {
    driven_list d({.max_in_flight = 3});
    d.append("bad");
    d.append("1");
    d.append("2");
    for (int i = 0; i < 200 && d->counts().dead.total() == 0; ++i) {
        if (d->to_split() != nullptr) {
            d->split_failed();
            continue;
        }
        d.pass(d->wait());
        const auto begun = d.begin_all();
        REQUIRE_FALSE(begun.empty());
        if (begun.size() > 1) { // behind "bad" on its connection: never written
            d.done(begun[1], {.what = verdict::retry});
        } else {
            d.done(begun[0], begun[0] == "bad" ? reset : acked);
        }
    }
    CHECK(d->counts().dead[reason::rejected] == 1);
}

TEST_CASE("D-7.3 each passes once before its turn, before one passes a second time") {
    driven_list d({.max_in_flight = 1});
    d.append("bad");
    d.append("1");
    d.append("2");
    for (int i = 0; i < 7; ++i) {
        CHECK(d.probe(internal_error) == "bad");
    }
    std::string passed;
    for (int i = 0; i < 5; ++i) {
        CHECK(d.probe(internal_error) == "bad");
        if (i == 2) {
            d.append("3");
        }
        passed += d.probe(acked);
    }
    CHECK(passed == "12312");
    CHECK(d.probe(acked) == "bad");
    CHECK(d.probe(acked) == "1");
    CHECK(d.probe(acked) == "2");
    CHECK(d.probe(acked) == "3");
    CHECK(d->is_empty());
}

// Whatever a receiver answers, something is always under way or may go after a wait.
TEST_CASE("D-7.2 D-7.3 no list stalls, whatever comes back for whatever was sent") {
    const auto answer = [](std::uint64_t number, std::uint32_t entries) -> outcome {
        switch (number % 11) {
        case 0: return internal_error;
        case 1:
        case 2: return {.what = verdict::retry, .was_written = true};
        case 3: return {.what = verdict::too_large, .was_answered = true};
        case 4: return {.what = verdict::fresh_token};
        case 5: return {.what = verdict::partial, .was_written = true, .refused = {entries - 1}};
        case 6:
        case 7:
        case 8:
        case 9: return refused;
        default: return acked;
        }
    };
    for (const bool is_ordered : {true, false}) {
        for (const bool is_repeatable : {true, false}) {
            CAPTURE(is_ordered);
            CAPTURE(is_repeatable);
            std::mt19937_64 random(7);
            driven_list d({.max_in_flight = 3, .is_ordered = is_ordered});
            int appended = 0;
            for (int step = 0; step < 20'000; ++step) {
                while (appended < 200 && d->ready_records() < 600) {
                    auto many = made("p" + std::to_string(appended++), 300);
                    many.is_repeatable = is_repeatable;
                    (*d).append(std::move(many), d.now());
                }
                if (const auto* const suspect = d->to_split()) {
                    auto halves = halved(*suspect);
                    halves ? d->split_done(std::move(*halves)) : d->split_failed();
                    continue;
                }
                if (d->is_empty()) {
                    break;
                }
                d.pass(d->wait());
                std::vector<delivery_list::attempt> begun;
                while (auto attempt = d->next(d.now())) {
                    begun.push_back(std::move(*attempt));
                }
                REQUIRE_FALSE(begun.empty());
                for (const auto& one : begun) {
                    const auto entries = static_cast<std::uint32_t>(one.what->entry_records.size());
                    d->done(one.number, answer(random(), entries), d.now(), 0.5);
                }
            }
            CHECK(d->counts().delivered != 0);
            CHECK(d->counts().dead.total() != 0);
        }
    }
}

TEST_CASE("D-7.3 a detour that was taken in part goes again in its turn as well") {
    driven_list d({.max_in_flight = 1});
    d.append("bad");
    d.append("next", 3);
    for (int i = 0; i < 8; ++i) {
        CHECK(d.probe(internal_error) == "bad");
    }
    CHECK(d.probe({.what = verdict::partial, .was_written = true, .refused = {1}}) == "next");
    CHECK(d->ready_records() == 4);
    CHECK(d.probe(acked) == "bad");
    CHECK(d.probe({.what = verdict::partial, .was_written = true, .refused = {1}}) == "next");
    CHECK(d->counts().delivered == 3);
    CHECK(d->counts().dead[reason::rejected] == 1);
}

TEST_CASE("F49 a receiver that answers 500 at random loses nothing") {
    for (const bool is_ordered : {true, false}) {
        for (const int failing : {30, 70, 90}) { // percent
            for (const std::uint32_t entries : {1u, 16u}) {
                CAPTURE(is_ordered);
                CAPTURE(failing);
                CAPTURE(entries);
                std::mt19937_64 random(15);
                std::uniform_real_distribution<double> uniform;
                delivery_list list({.max_in_flight = 1, .is_ordered = is_ordered});
                auto now = start;
                std::uint64_t appended = 0;
                while (now < start + 1h) {
                    while (list.ready_records() < 10ull * entries) {
                        list.append(made("p", entries), now);
                        appended += entries;
                    }
                    if (const auto* const suspect = list.to_split()) {
                        auto halves = halved(*suspect);
                        halves ? list.split_done(std::move(*halves)) : list.split_failed();
                    }
                    const auto attempt = list.next(now);
                    if (!attempt) {
                        now += std::max(list.wait(), 1ms);
                        continue;
                    }
                    now += 10ms;
                    const bool fails = uniform(random) * 100 < failing;
                    list.done(
                        attempt->number, fails ? internal_error : acked, now, uniform(random));
                }
                CHECK(list.counts().dead.total() == 0);
                CHECK(list.counts().delivered + list.ready_records() == appended);
            }
        }
    }
}

// --- simulated time ------------------------------------------------------------------------------

TEST_CASE("F49 D-6.1 a peer that fails at random keeps the throughput that the contract states") {
    struct row {
        int failing; // percent
        double throughput;
    };
    constexpr auto answer = 100ms;
    for (const auto& [failing, throughput] : {row{0, 100}, {5, 93}, {30, 59}, {50, 23}, {70, 2}}) {
        CAPTURE(failing);
        std::mt19937_64 random(5);
        std::uniform_real_distribution<double> uniform;
        delivery_list list({.max_in_flight = 1});
        const auto end = start + (failing >= 70 ? 200h : 10h);
        auto now = start;
        std::uint64_t appended = 0;

        while (now < end) {
            while (appended < list.counts().delivered + 3) {
                list.append(made("p"), now);
                ++appended;
            }
            const auto attempt = list.next(now);
            if (!attempt) {
                now += list.wait(); // exactly to its end
                continue;
            }
            now += answer;
            const bool fails = uniform(random) * 100 < failing;
            list.done(attempt->number, fails ? refused : acked, now, uniform(random));
        }

        const auto possible = static_cast<double>((now - start) / answer);
        const auto kept = 100 * static_cast<double>(list.counts().delivered) / possible;
        CHECK(kept >= throughput - 3);
        CHECK(kept <= throughput + 3);
        CHECK(list.counts().delivered + list.ready_records() == appended); // nothing lost
        CHECK(list.counts().splits == 0);
    }
}

TEST_CASE("D-7.3 two poisoned neighbours are found, also after the receiver was down for a while") {
    driven_list d;
    d.append("bad", 2);
    d.append("good");
    for (int i = 0; i < 50; ++i) { // down: whatever is written is reset
        d.probe(reset);
    }

    const auto poison = [](const std::string& name) { return name.starts_with("bad"); };
    for (int i = 0; i < 200 && d->counts().delivered == 0; ++i) {
        if (const auto* const suspect = d->to_split()) {
            auto halves = halved(*suspect);
            halves ? d->split_done(std::move(*halves)) : d->split_failed();
        }
        d.pass(d->wait());
        for (const auto& name : d.begin_all()) {
            d.done(name, poison(name) ? reset : acked);
        }
    }

    CHECK(d->counts().dead[reason::rejected] == 2);
    CHECK(d->counts().delivered == 1);
}

TEST_CASE("F49 a receiver that resets at random loses nothing, although payloads are suspected") {
    for (const int failing : {5, 30, 50, 70, 90}) { // percent
        for (const std::uint32_t entries : {1u, 16u}) {
            CAPTURE(failing);
            CAPTURE(entries);
            std::mt19937_64 random(8);
            std::uniform_real_distribution<double> uniform;
            delivery_list list({});
            auto now = start;
            std::uint64_t appended = 0;
            while (now < start + 2h) {
                while (list.ready_records() + list.in_flight_records() < 10ull * entries) {
                    list.append(made("p", entries), now);
                    appended += entries;
                }
                if (const auto* const suspect = list.to_split()) {
                    auto halves = halved(*suspect);
                    halves ? list.split_done(std::move(*halves)) : list.split_failed();
                }
                std::vector<std::uint64_t> running;
                while (const auto attempt = list.next(now)) {
                    running.push_back(attempt->number);
                }
                now += running.empty() ? list.wait() : 100ms;
                for (const auto number : running) {
                    const bool fails = uniform(random) * 100 < failing;
                    list.done(number, fails ? reset : acked, now, uniform(random));
                }
            }
            CHECK(list.counts().dead.total() == 0);
            CHECK(
                list.counts().delivered + list.ready_records() + list.in_flight_records() ==
                appended);
        }
    }
}

TEST_CASE("F01 a peer that refuses for six hours sees one probe at a time, and few") {
    std::mt19937_64 random(6);
    std::uniform_real_distribution<double> uniform;
    delivery_list list({});
    auto now = start;
    std::uint64_t probes = 0;
    std::uint64_t appended = 0;
    bool was_alone = true;
    auto longest = 0ms;

    while (now < start + 6h) {
        if (now >= start + appended * 10s) {
            list.append(made("p"), now);
            ++appended;
        }
        if (const auto attempt = list.next(now)) {
            ++probes;
            was_alone = was_alone && !list.next(now).has_value();
            now += 1ms;
            list.done(attempt->number, refused, now, uniform(random));
            longest = std::max(longest, list.wait());
        }
        now += 100ms;
    }

    CHECK(was_alone);
    // At the top level one per half longest wait: 6 h / 15 s = 1440.
    CHECK(probes > 1340);
    CHECK(probes < 1540);
    CHECK(longest <= 30s);
    CHECK(list.ready_records() == appended);
    CHECK(list.counts().dead.total() + list.counts().dropped.total() == 0);

    // The first delivery comes no later than the longest wait after the recovery.
    const auto back = now;
    while (list.counts().delivered == 0) {
        if (const auto attempt = list.next(now)) {
            list.done(attempt->number, acked, now, 0.5);
        } else {
            now += 1ms;
        }
    }
    CHECK(now - back <= 30s);
}

TEST_CASE("F46 a random life of a list loses no record and counts each once") {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> uniform;
    for (int round = 0; round < 300; ++round) {
        delivery_list list(
            {.retry =
                 {.max_age = round % 3 == 0 ? 20s : 0s, .max_attempts = round % 4 == 0 ? 5u : 0u},
             .max_in_flight = 1 + random() % 8});
        auto now = start;
        std::uint64_t appended = 0;
        std::vector<std::uint64_t> running;
        delivery_list::watch watch;
        bool is_watching = false;
        std::uint64_t watched = 0;
        int wrong = 0;

        for (int step = 0; step < 400; ++step) {
            if (const auto* const suspect = list.to_split(); suspect && random() % 2 == 0) {
                auto halves = halved(*suspect);
                halves ? list.split_done(std::move(*halves)) : list.split_failed();
            }
            switch (random() % 12) {
            case 0:
            case 1: {
                const auto entries = 1 + static_cast<std::uint32_t>(random() % 20);
                list.append(made("p", entries), now);
                appended += entries;
                break;
            }
            case 2:
            case 3:
            case 4:
                while (auto attempt = list.next(now)) {
                    running.push_back(attempt->number);
                }
                break;
            case 5:
            case 6:
            case 7:
            case 8:
                if (!running.empty()) {
                    const auto one = running[random() % running.size()]; // now and then twice
                    const outcome results[] = {acked, acked, acked, sent, reset, refused, given_up};
                    list.done(one, results[random() % 7], now, uniform(random));
                }
                break;
            case 9: list.expire(now); break;
            case 10:
                if (random() % 20 == 0) {
                    list.drop_oldest(reason::memory);
                }
                break;
            default: now += std::chrono::milliseconds(random() % 3000);
            }
            if (!is_watching && step == 200) {
                list.begin(watch);
                is_watching = true;
                watched = appended;
            }
            const auto& c = list.counts();
            const auto settled =
                c.delivered + c.delivered_unacked + c.dead.total() + c.dropped.total();
            wrong += appended == settled + list.ready_records() + list.in_flight_records() ? 0 : 1;
            if (is_watching) {
                const auto& w = watch.counts();
                wrong += watched == w.delivered + w.delivered_unacked + w.dead + w.dropped +
                                        list.pending(watch)
                             ? 0
                             : 1;
                wrong += list.is_over(watch) == (list.pending(watch) == 0) ? 0 : 1;
            }
        }
        list.drop_all(reason::shutdown);
        wrong +=
            list.memory_bytes() == 0 && list.in_flight_records() == 0 && list.ready_records() == 0
                ? 0
                : 1;
        CHECK(wrong == 0);
    }
}

TEST_CASE("where nothing is ordered each payload is delivered when it is acknowledged") {
    driven_list d(unordered());
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name, 2);
    }
    d.begin_all();

    d.done("3", acked);
    d.done("2", acked);

    CHECK(d->counts().delivered == 4);
    CHECK(d->in_flight_records() == 2);
}

TEST_CASE("where nothing is ordered one failure leaves the others in flight") {
    driven_list d(unordered());
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();

    d.done("1", refused);
    CHECK(d->in_flight_records() == 2);
    d.done("2", acked);
    d.done("3", acked);

    CHECK(d->counts().delivered == 2);
    CHECK(d->counts().late_answers == 0);
    CHECK(d.probe(acked) == "1");
    CHECK(d->is_empty());
}

TEST_CASE("where nothing is ordered one attempt that we give up leaves the others in flight") {
    driven_list d(unordered());
    for (const auto* name : {"1", "2"}) {
        d.append(name);
    }
    d.begin_all();

    d.done("1", given_up);
    CHECK(d->in_flight_records() == 1);
    d.done("2", acked);

    CHECK(d->counts().delivered == 1);
    CHECK(d->counts().late_answers == 0);
    CHECK(d->level() == 0);
}

TEST_CASE("D-6.1 failures in flight together count once, also if each comes alone") {
    driven_list d(unordered(4));
    for (const auto* name : {"1", "2", "3", "4", "5"}) {
        d.append(name);
    }
    d.begin_all();

    d.done("1", refused);
    const auto wait = d->wait();
    d.pass(100ms);
    for (const auto* name : {"2", "3", "4"}) {
        d.done(name, refused);
    }

    CHECK(d->level() == 1);
    CHECK(d->state() == health::degraded);
    CHECK(d->wait() == wait);
    CHECK(d->counts().retries == 4);
    d.pass(wait - 101ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK(d.begin_all() == names{"1"}); // one probe
    d.done("1", refused);
    CHECK(d->level() == 2);
}

TEST_CASE("D-6.1 a probe waits for what is still in flight from before the failure") {
    driven_list d(unordered(2));
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();
    d.done("1", refused);
    d.pass(d->wait());

    CHECK(d.begin_all().empty());
    d.done("2", refused);
    CHECK(d->level() == 1);
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("D-7.3 where nothing is ordered a payload with an error goes to the end of the list") {
    driven_list d(unordered(1));
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();
    d.done("1", answered(failure::network));

    CHECK(d.probe(acked) == "2");
    CHECK(d.begin_all() == names{"3"});
    d.done("3", acked);
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("a payload that got no answer keeps its place") {
    driven_list d(unordered(1));
    d.append("1");
    d.append("2");
    d.begin_all();
    d.done("1", reset);

    CHECK(d.probe(acked) == "1");
}

TEST_CASE("F15 where nothing is ordered one bad payload never blocks the others") {
    driven_list d(unordered(1));
    d.append("bad");
    for (int i = 0; i < 50; ++i) {
        d.append(std::to_string(i));
    }
    for (int step = 0; step < 500 && d->counts().delivered < 50; ++step) {
        d.pass(d->wait());
        for (const auto& name : d.begin_all()) {
            d.done(name, name == "bad" ? answered(failure::network) : acked);
        }
    }

    CHECK(d->counts().delivered == 50);
    CHECK(d->ready_records() == 1);
}

TEST_CASE("where nothing is ordered the oldest by sealing is dropped first") {
    driven_list d(unordered(1));
    d.append("1", 1);
    d.append("2", 2);
    d.append("3", 4);
    d.begin_all();
    d.done("1", answered(failure::network)); // now behind 3

    CHECK(d->drop_oldest(reason::memory));
    CHECK(d->counts().dropped[reason::memory] == 1);
    CHECK(d->drop_oldest(reason::memory));
    CHECK(d->counts().dropped[reason::memory] == 3);
}

TEST_CASE("D-6.6 where nothing is ordered what is too old is found behind what is not") {
    auto settings = unordered(1);
    settings.retry.max_age = 10s;
    driven_list d(settings);
    d.append("old");
    d.pass(5s);
    d.append("young");
    d.begin_all();
    d.done("old", answered(failure::network));
    d.pass(6s);

    d->expire(d.now());

    CHECK(d->counts().dropped[reason::expired] == 1);
    CHECK(d.begin_all() == names{"young"});
}

TEST_CASE("D-6.6 where nothing is ordered each payload counts its own attempts") {
    auto settings = unordered(2);
    settings.retry.max_attempts = 2;
    driven_list d(settings);
    d.append("1");
    d.append("2", 5);
    d.begin_all();
    d.done("1", refused);
    d.done("2", acked);

    CHECK(d.probe(refused) == "1");
    CHECK(d->counts().dead[reason::attempts] == 1);
    CHECK(d->counts().delivered == 5);
}

TEST_CASE("D-9.1 a watch over an unordered list is over when all before it is settled") {
    driven_list d(unordered(2));
    d.append("1", 1);
    d.append("2", 2);
    delivery_list::watch w;
    d->begin(w);
    d.append("3", 4);
    d.begin_all();
    d.done("1", answered(failure::network)); // now behind 3
    d.done("2", acked);
    CHECK(d->pending(w) == 1);
    CHECK_FALSE(d->is_over(w));

    CHECK(d.probe(acked) == "3 1"); // the probe and, as it passes, nothing before it
    CHECK(d->pending(w) == 1);
    CHECK_FALSE(d->is_over(w));
    d.begin_all();
    d.done("1", acked);

    CHECK(d->pending(w) == 0);
    CHECK(d->is_over(w));
    CHECK(w.counts().delivered == 3);
    d->end(w);
}

TEST_CASE("D-7.4 a rejected payload is dead, and the next goes at once") {
    for (const bool is_ordered : {false, true}) {
        driven_list d({.max_in_flight = 1, .is_ordered = is_ordered});
        d.append("1", 3);
        d.append("2", 4);
        d.begin_all();
        d.done("1", rejected);

        CHECK(d->counts().dead[reason::rejected] == 3);
        CHECK(d->level() == 0);
        CHECK_FALSE(d->is_waiting(d.now()));
        CHECK(d.begin_all() == names{"2"});
    }
}

TEST_CASE("F13 D-7.1 a payload that is too large is halved in its place and both parts go") {
    driven_list d(unordered(1));
    d.append("1", 4);
    d.append("2", 1);
    d.begin_all();
    d.done("1", too_large);
    REQUIRE(d->to_split() != nullptr);
    CHECK(d->to_split()->id == "1");
    CHECK(d->ready_records() == 5);

    d->split_done(*halved(*d->to_split()));

    CHECK(d->to_split() == nullptr);
    CHECK(d->counts().splits == 1);
    CHECK(d->level() == 0);
    for (const auto* name : {"1<", "1>", "2"}) {
        CHECK(d.begin_all() == names{name});
        d.done(name, acked);
    }
    CHECK(d->counts().delivered == 5);
    CHECK(d->is_empty());
}

TEST_CASE("F13 D-7.1 a payload that is too large and cannot be cut is dead") {
    driven_list d(unordered(1));
    d.append("1", 1);
    d.append("2", 2);
    d.begin_all();
    d.done("1", too_large);
    REQUIRE(d->to_split() != nullptr);

    d->split_failed();

    CHECK(d->to_split() == nullptr);
    CHECK(d->counts().dead[reason::too_large] == 1);
    CHECK(d.begin_all() == names{"2"});
}

TEST_CASE("F13 several that are too large together are each cut") {
    driven_list d(unordered(3));
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name, 2);
    }
    d.begin_all();
    d.done("3", too_large);
    d.done("1", too_large);
    d.done("2", acked);
    int cut = 0;
    while (const auto* suspect = d->to_split()) {
        d->split_done(*halved(*suspect));
        ++cut;
    }

    CHECK(cut == 2);
    CHECK(d.begin_all() == names{"1<", "1>", "3<"});
}

TEST_CASE("D-9.1 a watch follows the halves of what was too large, dead ones too") {
    driven_list d(unordered(1));
    d.append("1", 2);
    delivery_list::watch w;
    d->begin(w);
    d.begin_all();
    d.done("1", too_large);
    d->split_done(*halved(*d->to_split()));
    d.begin_all();
    d.done("1<", acked);
    CHECK(d->pending(w) == 1);

    d.begin_all();
    d.done("1>", too_large);
    d->split_failed();

    CHECK(d->is_over(w));
    CHECK(w.counts().delivered == 1);
    CHECK(w.counts().dead == 1);
    d->end(w);
}

TEST_CASE("D-7.1 the working size becomes half of what was refused") {
    delivery_list list(unordered(8));
    std::vector<std::uint64_t> running;
    for (int i = 0; i < 4; ++i) { // 3 bytes before compression for each of these
        list.append(made("p", 2, 40'000), start);
    }
    while (const auto attempt = list.next(start)) {
        running.push_back(attempt->number);
    }
    CHECK(list.working_bytes() == 256 * 1024);

    for (const auto attempt : running) { // refused together, it is one lesson
        list.done(attempt, too_large, start, 0.5);
        CHECK(list.working_bytes() == 60'000);
    }
}

TEST_CASE("D-7.1 the working size never falls below 4 KiB") {
    delivery_list list(unordered(1));
    list.append(made("p", 1, 100), start);
    list.done(list.next(start)->number, too_large, start, 0.5);

    CHECK(list.working_bytes() == 4096);
}

TEST_CASE("D-7.1 the working size grows by 5 % per 20 delivered, up to the configured one") {
    delivery_list list(unordered(1));
    list.append(made("p", 1, 40'000), start);
    list.done(list.next(start)->number, too_large, start, 0.5);
    list.split_failed();
    const auto deliver = [&](int count) {
        for (int i = 0; i < count; ++i) {
            list.append(made("p"), start);
            list.done(list.next(start)->number, acked, start, 0.5);
        }
    };

    deliver(19);
    CHECK(list.working_bytes() == 60'000);
    deliver(1);
    CHECK(list.working_bytes() == 63'000);
    deliver(20);
    CHECK(list.working_bytes() == 66'150);
    deliver(20 * 100);
    CHECK(list.working_bytes() == 256 * 1024);
}

TEST_CASE("D-6.4 a 413 that asks for a pause gets it, and is no failure") {
    driven_list d(unordered(1));
    d.append("1", 2);
    d.append("2");
    d.begin_all();
    auto asks = too_large;
    asks.retry_after = 10s;
    d.done("1", asks, 0.0);
    d->split_done(*halved(*d->to_split()));

    CHECK(d->level() == 0);
    d.pass(9'999ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK(d.begin_all() == names{"1<"});
}

TEST_CASE("F07 D-6.5 a payload on a connection that was closed while idle goes again at once") {
    driven_list d(unordered(1));
    d.append("1");
    d.begin_all();
    d.done("1", closed_idle);

    CHECK(d->level() == 0);
    CHECK(d->state() == health::ok);
    CHECK(d->counts().retries == 0);
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("D-6.5 after ten at once the next is an ordinary failure") {
    driven_list d(unordered(1));
    d.append("1");
    for (int i = 0; i < 10; ++i) {
        REQUIRE(d.begin_all() == names{"1"});
        d.done("1", closed_idle);
        CHECK(d->level() == 0);
    }

    REQUIRE(d.begin_all() == names{"1"});
    d.done("1", closed_idle);

    CHECK(d->level() == 1);
    CHECK(d->counts().retries == 1);
    CHECK(d->is_waiting(d.now()));
}

TEST_CASE("D-6.5 each delivered payload gives a tenth of an immediate attempt back") {
    driven_list d(unordered(1));
    d.append("1");
    for (int i = 0; i < 10; ++i) {
        d.begin_all();
        d.done("1", closed_idle);
    }
    int delivered = 0;
    const auto deliver = [&](int count) {
        while (count-- > 0) {
            d.begin_all();
            d.done(delivered == 0 ? "1" : "x", acked);
            ++delivered;
            d.append("x");
        }
    };

    deliver(11); // ten tenths, whatever the rounding
    d.begin_all();
    d.done("x", closed_idle);
    CHECK(d->level() == 0);
    d.begin_all();
    d.done("x", closed_idle);
    CHECK(d->level() == 1);
}

TEST_CASE("D-6.5 the bucket holds no more than ten") {
    driven_list d(unordered(1));
    for (int i = 0; i < 100; ++i) {
        d.append("x");
        d.begin_all();
        d.done("x", acked);
    }
    d.append("x");
    int at_once = 0;
    while (d->level() == 0 && at_once < 100) {
        d.begin_all();
        d.done("x", closed_idle);
        ++at_once;
    }

    CHECK(at_once == 11);
}

TEST_CASE("D-6.2 what kind of failure it was decides how long the wait is") {
    const auto first_wait = [](failure kind) {
        driven_list d(unordered(1));
        d.append("1");
        d.begin_all();
        d.done("1", answered(kind), 0.0);
        return d->wait();
    };

    CHECK(first_wait(failure::network) == 500ms);
    CHECK(first_wait(failure::throttle) == 500ms);
    CHECK(first_wait(failure::config) == 500ms);
    CHECK(first_wait(failure::auth) == 15s);
}

TEST_CASE("D-6.2 the longest wait is the kind's own") {
    const auto longest_wait = [](failure kind) {
        driven_list d(unordered(1));
        d.append("1");
        for (int i = 0; i < 30; ++i) {
            d.pass(d->wait());
            d.begin_all();
            d.done("1", answered(kind), std::nextafter(1.0, 0.0));
        }
        return d->wait();
    };

    CHECK(longest_wait(failure::network) == 60s);
    CHECK(longest_wait(failure::throttle) == 60s);
    CHECK(longest_wait(failure::config) == 300s);
    CHECK(longest_wait(failure::auth) == 10min);
}

TEST_CASE("D-6.4 Retry-After is a lower bound of the wait, with up to a tenth more") {
    const auto wait = [](std::chrono::milliseconds asked, double uniform) {
        driven_list d(unordered(1));
        d.append("1");
        d.begin_all();
        d.done("1", answered(failure::throttle, asked), uniform);
        return d->wait();
    };

    CHECK(wait(60s, 0.0) == 60s);
    CHECK(wait(60s, 0.5) == 63s);
    CHECK(wait(100ms, 0.0) == 500ms);
    CHECK(wait(0ms, 0.0) == 500ms);
}

TEST_CASE("D-9.2 close cuts a backoff short, but not what the peer asked for") {
    driven_list d(unordered(1));
    d.append("1");
    d.begin_all();
    d.done("1", answered(failure::throttle, 10s), 0.0);
    d->cut_backoff();

    d.pass(9'999ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK(d.begin_all() == names{"1"});
    d.done("1", answered(failure::throttle), 0.5);
    CHECK(d->is_waiting(d.now()));
    d->cut_backoff();
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("D-9.2 where the backoff is longer than Retry-After close waits for that alone") {
    driven_list d(unordered(1));
    d.append("1");
    for (int i = 0; i < 30; ++i) {
        d.pass(d->wait());
        d.begin_all();
        d.done("1", answered(failure::throttle, 1s), 0.0);
    }
    d.pass(d->wait());
    d.begin_all();
    d.done("1", answered(failure::throttle, 1s), std::nextafter(1.0, 0.0));
    CHECK(d->wait() == 60s);
    d->cut_backoff();

    d.pass(900ms);
    CHECK(d.begin_all().empty());
    d.pass(200ms);
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("D-6.7 retry_now cuts a Retry-After short too, and a wait for a token ends with close") {
    driven_list d(unordered(1));
    d.append("1");
    d.begin_all();
    d.done("1", answered(failure::throttle, 10s), 0.0);
    d->retry_now();
    CHECK(d.begin_all() == names{"1"});

    auto without_token = answered(failure::auth);
    without_token.until_login = 60s;
    d.done("1", without_token, 0.0);
    d.pass(59s);
    CHECK(d.begin_all().empty());
    d->cut_backoff();
    CHECK(d.begin_all() == names{"1"});
}

TEST_CASE("D-6.4 a failure does not shorten what a 413 before it asked for") {
    driven_list d(unordered(2));
    d.append("1", 2);
    d.append("2");
    d.begin_all();
    auto asks = too_large;
    asks.was_answered = true;
    asks.retry_after = 10s;
    d.done("1", asks, 0.0);
    d->split_done(*halved(*d->to_split()));
    d.done("2", refused, 0.0);

    d.pass(9'999ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK_FALSE(d.begin_all().empty());
}

TEST_CASE("D-6.4 backoff wins where it is longer than Retry-After") {
    driven_list d(unordered(1));
    d.append("1");
    for (int i = 0; i < 30; ++i) {
        d.pass(d->wait());
        d.begin_all();
        d.done("1", answered(failure::throttle, 1s), std::nextafter(1.0, 0.0));
    }

    CHECK(d->wait() == 60s);
}

TEST_CASE("D-6.4 of failures in flight together the longest Retry-After holds") {
    driven_list d(unordered(3));
    for (const auto* name : {"1", "2", "3"}) {
        d.append(name);
    }
    d.begin_all();
    d.done("1", refused, 0.0);
    d.done("2", answered(failure::throttle, 30s), 0.0);
    d.done("3", answered(failure::throttle, 5s), 0.0);

    CHECK(d->level() == 1);
    d.pass(29'999ms);
    CHECK(d.begin_all().empty());
    d.pass(1ms);
    CHECK(d.begin_all().size() == 1);
}

TEST_CASE("F46 a random life of an unordered list loses no record and counts each once") {
    std::mt19937_64 random(8);
    std::uniform_real_distribution<double> uniform;
    for (int round = 0; round < 300; ++round) {
        auto settings = unordered(1 + random() % 4);
        settings.retry.max_age = round % 3 == 0 ? 90s : 0s;
        settings.retry.max_attempts = round % 4 == 0 ? 5u : 0u;
        delivery_list list(settings);
        auto now = start;
        std::uint64_t appended = 0;
        std::uint64_t watched = 0;
        std::vector<std::uint64_t> running;
        delivery_list::watch watch;
        bool is_watching = false;
        int wrong = 0;

        for (int step = 0; step < 400; ++step) {
            if (const auto* const suspect = list.to_split()) {
                auto halves = halved(*suspect);
                halves ? list.split_done(std::move(*halves)) : list.split_failed();
            }
            switch (random() % 10) {
            case 0:
            case 1: {
                const auto entries = 1 + static_cast<std::uint32_t>(random() % 20);
                list.append(made("p", entries, random() % 50'000), now);
                appended += entries;
                break;
            }
            case 2:
            case 3:
                while (auto attempt = list.next(now)) {
                    running.push_back(attempt->number);
                }
                break;
            case 4:
            case 5:
            case 6:
                if (!running.empty()) {
                    const auto one = running[random() % running.size()]; // now and then twice
                    const outcome results[] = {
                        acked,
                        acked,
                        acked,
                        reset,
                        refused,
                        given_up,
                        too_large,
                        closed_idle,
                        rejected,
                        answered(failure::throttle, 2s),
                        answered(failure::config)};
                    list.done(one, results[random() % std::size(results)], now, uniform(random));
                }
                break;
            case 7: list.expire(now); break;
            case 8:
                if (random() % 20 == 0) {
                    list.drop_oldest(reason::memory);
                }
                break;
            default: now += std::chrono::milliseconds(random() % 3000);
            }
            if (!is_watching && step == 200) {
                list.begin(watch);
                is_watching = true;
                watched = appended;
            }
            const auto& c = list.counts();
            const auto settled = c.delivered + c.dead.total() + c.dropped.total();
            wrong += appended == settled + list.ready_records() + list.in_flight_records() ? 0 : 1;
            wrong += list.working_bytes() >= 4096 && list.working_bytes() <= 256 * 1024 ? 0 : 1;
            if (is_watching) {
                const auto& w = watch.counts();
                wrong += watched == w.delivered + w.dead + w.dropped + list.pending(watch) ? 0 : 1;
                wrong += list.is_over(watch) == (list.pending(watch) == 0) ? 0 : 1;
            }
        }
        list.end(watch);

        CAPTURE(round);
        CHECK(wrong == 0);
    }
}
}
