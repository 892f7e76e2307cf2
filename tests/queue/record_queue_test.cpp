#include "core/fields.hpp"
#include "core/names.hpp"
#include "queue/record_queue.hpp"
#include "support/records.hpp"

#include <monarc/context.hpp>
#include <monarc/field.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::queue;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using support::made_record;

namespace {

constexpr auto run = "queue"_class;
constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// A queue lives until the process ends, by design; its slots go with this.
class owned_queue {
public:
    struct with {
        std::size_t capacity = 65'536;
        std::size_t memory_limit = std::size_t{64} << 20;
        bool has_destination = true;
        std::chrono::milliseconds block_timeout{0};
    };
    explicit owned_queue(const with& w)
        : queue_(*new record_queue(
              {.capacity_slots = w.capacity,
               .memory_limit = w.memory_limit,
               .has_destination = w.has_destination,
               .clock = {},
               .block_timeout = w.block_timeout})) {}
    owned_queue() : owned_queue(with{}) {}
    owned_queue(const owned_queue&) = delete;
    owned_queue& operator=(const owned_queue&) = delete;
    ~owned_queue() {
        queue_.shut();
        queue_.release_storage();
    }

    record_queue& operator*() noexcept { return queue_; }
    record_queue* operator->() noexcept { return &queue_; }

private:
    record_queue& queue_;
};

// What a taker was given, copied: the bytes are gone after the call.
class kept_records final : public record_taker {
public:
    std::vector<made_record> records;

    void take(queued_record record) noexcept override {
        const auto r = record.view();
        records.push_back(
            {.shape = r.shape,
             .body = std::string(r.body),
             .id = std::string(r.id),
             .when = r.when,
             .stamp = r.stamp,
             .context = r.context,
             .class_and_action = r.class_and_action});
    }
};

class counted_records final : public record_taker {
public:
    std::uint64_t count = 0;

    void take(queued_record) noexcept override { ++count; }
};

std::vector<made_record> drained(owned_queue& q) {
    kept_records kept;
    q->drain(kept, all, no_limit);
    return kept.records;
}

// As exporter::push does it.
template <class Target, class... Fields>
bool push(record_queue& q, const Target& to, const Fields&... fields) {
    const auto shape = detail::shape_of<Target::class_name, Fields...>::load();
    detail::gate* const gate = &q;
    return detail::push_fields(gate, {gate, nullptr, to.text(), to.when}, shape, fields...);
}

// As monarc::record does it.
bool push_run_time_keys(record_queue& q, const made_record& record) {
    const std::string_view body = record.body;
    const std::string_view parts[] = {body.substr(0, 4), body.substr(4)};
    return detail::push_parts(
        {&q, nullptr, record.id, record.when}, detail::record_shape, parts, 2);
}

void check_same(const made_record& got, const made_record& sent) {
    CHECK(got.shape == sent.shape);
    CHECK(got.body == sent.body);
    CHECK(got.id == sent.id);
    CHECK(got.when == sent.when);
    CHECK(got.context == sent.context);
}

std::uint64_t rejected(record_queue& q, reason why) {
    return q.counts().rejected[static_cast<std::size_t>(why)];
}

// D-1.3, and that nothing is on its way any more.
void check_ledger(record_queue& q) {
    const auto counts = q.counts();
    std::uint64_t all_rejected = 0;
    for (const auto one : counts.rejected) {
        all_rejected += one;
    }
    CHECK(counts.pushed == counts.accepted + all_rejected);
    CHECK(counts.taken <= counts.accepted);
}

std::size_t push_until_refused(record_queue& q, std::size_t at_most = 1'000'000) {
    std::size_t count = 0;
    while (count < at_most && push(q, run("1"), "n"_key = 1)) {
        ++count;
    }
    return count;
}

// Drains on a thread of its own until it is destroyed, as the I/O thread would.
class consumer {
public:
    explicit consumer(record_queue& q, record_taker& to)
        : thread_([this, &q, &to] {
              while (!is_over_.load(std::memory_order_acquire)) {
                  q.drain(to, all, no_limit);
                  std::this_thread::yield();
              }
          }) {}
    ~consumer() {
        is_over_.store(true, std::memory_order_release);
        thread_.join();
    }

private:
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

void on_another_thread(const std::function<void()>& work) {
    std::thread(work).join();
}

} // namespace

TEST_SUITE("queue/record_queue") {
TEST_CASE("values of every type come out bit for bit, in the order in which they were written") {
    owned_queue q;
    constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
    constexpr auto infinity = std::numeric_limits<double>::infinity();

    REQUIRE(push(
        *q,
        run("id-1"),
        "yes"_key = true,
        "nan"_key = nan,
        "empty"_key = "",
        "infinity"_key = infinity,
        "minus infinity"_key = -infinity,
        "null"_key = nullptr,
        "minus zero"_key = -0.0,
        "one"_key = 1.0,
        "no"_key = false));
    REQUIRE(push(
        *q,
        run("id-2"),
        "least"_key = std::numeric_limits<std::int64_t>::min(),
        "most"_key = std::numeric_limits<std::uint64_t>::max(),
        "zero byte"_key = "a\0b"sv,
        "byte"_key = std::int8_t{-1},
        "broken"_key = "\xff\xfe"sv,
        "float"_key = 0.5f));

    const auto records = drained(q);

    REQUIRE(records.size() == 2);
    struct field {
        std::string name;
        std::uint64_t word;
        std::string text;
        bool operator==(const field&) const = default;
    };
    const auto fields_of = [](const made_record& record) {
        std::vector<field> fields;
        visit_shape(shape_of_number(record.shape), record.body, [&](const field_view& f) {
            fields.push_back({name_of(f.key).text, f.word, std::string(f.text)});
        });
        return fields;
    };
    const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
    CHECK(
        fields_of(records[0]) == std::vector<field>{
                                     {"yes", 1, ""},
                                     {"nan", bits(nan), ""},
                                     {"empty", 0, ""},
                                     {"infinity", bits(infinity), ""},
                                     {"minus infinity", bits(-infinity), ""},
                                     {"null", 0, ""},
                                     {"minus zero", bits(-0.0), ""},
                                     {"one", bits(1.0), ""},
                                     {"no", 0, ""}});
    CHECK(
        fields_of(records[1]) == std::vector<field>{
                                     {"least", std::uint64_t{1} << 63, ""},
                                     {"most", all, ""},
                                     {"zero byte", 0, "a\0b"s},
                                     {"byte", all, ""},
                                     {"broken", 0, "\xff\xfe"},
                                     {"float", bits(0.5), ""}});
    CHECK(records[0].id == "id-1");
    CHECK(records[1].id == "id-2");
}

TEST_CASE("a record without fields, without an id or with a text from nowhere comes out as it is") {
    owned_queue q;

    CHECK(push(*q, run("only an id")));
    CHECK(push(*q, run("")));
    CHECK(push(*q, run(std::string_view()), "text"_key = std::string_view()));
    CHECK(push(*q, run("x"), "text"_key = static_cast<const char*>(nullptr)));
    CHECK(push(*q, run(-42), "n"_key = 1));

    const auto records = drained(q);
    REQUIRE(records.size() == 5);
    check_same(records[0], support::made(run("only an id")));
    check_same(records[1], support::made(run("")));
    check_same(records[2], support::made(run(""), "text"_key = std::string_view()));
    check_same(records[3], support::made(run("x"), "text"_key = std::string_view()));
    CHECK(records[4].id == "-42");
}

TEST_CASE("a time given by the caller travels with the record, else none does") {
    owned_queue q;
    const auto time =
        std::chrono::system_clock::time_point(std::chrono::nanoseconds(-1'500'000'001));

    push(*q, run("1").at(time), "n"_key = 1);
    push(*q, run("1"), "n"_key = 1);
    push(*q, run(1).at(time), "text"_key = std::string(500, 'x'));

    const auto records = drained(q);
    REQUIRE(records.size() == 3);
    CHECK(records[0].when == -1'500'000'001);
    CHECK(records[1].when == detail::no_time);
    CHECK(records[2].when == -1'500'000'001);
}

TEST_CASE("a push through a handle carries the handle's entry and no id") {
    owned_queue q;
    detail::context_entry entry;
    entry.queue = &*q;
    entry.id = "the handle's";

    CHECK(detail::push_to_context(&*q, &entry, 7, "n"_key = 1));
    CHECK(detail::push_to_context(
        &*q, &entry, detail::no_time, "text"_key = std::string_view("long").substr(0, 2)));
    const std::string long_text(1000, 'x');
    CHECK(detail::push_to_context(&*q, &entry, 8, "text"_key = std::string_view(long_text)));

    const auto records = drained(q);
    REQUIRE(records.size() == 3);
    check_same(records[0], support::made_for(entry, "n"_key = 1).at(7));
    check_same(records[1], support::made_for(entry, "text"_key = "lo"));
    check_same(
        records[2], support::made_for(entry, "text"_key = std::string_view(long_text)).at(8));
}

TEST_CASE("records of every size that fits come out as they went in, in order") {
    owned_queue q;
    std::string text(detail::max_record_bytes, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>('!' + i % 89);
    }
    const std::string_view content = text;
    int wrong = 0;

    for (const std::size_t id_bytes : {0, 1, 63, 127, 128, 129, 1024}) {
        const auto id = content.substr(content.size() - id_bytes);
        constexpr std::size_t fixed = 8; // the text's length, a whole word
        for (std::size_t bytes = 0; bytes + fixed + id_bytes <= detail::max_record_bytes; ++bytes) {
            wrong += push(*q, run(id), "t"_key = content.substr(0, bytes)) ? 0 : 1;
            if (bytes % 64 != 0 && bytes + fixed + id_bytes != detail::max_record_bytes) {
                continue;
            }
            const auto records = drained(q);
            for (std::size_t i = 0; i < records.size(); ++i) {
                const auto sent = bytes + 1 - records.size() + i;
                const auto expected = support::made(run(id), "t"_key = content.substr(0, sent));
                wrong += records[i].body == expected.body && records[i].id == expected.id &&
                                 records[i].shape == expected.shape
                             ? 0
                             : 1;
            }
            wrong += records.empty() ? 1 : 0;
        }
    }

    CHECK(wrong == 0);
    check_ledger(*q);
    CHECK(q->counts().taken == q->counts().accepted);
}

TEST_CASE("D-4.1 id and fields may take 16 slots, one byte more is rejected as oversize") {
    owned_queue q;
    const std::string text(detail::max_record_bytes + 1, 'x');
    const std::string_view content = text;
    std::uint64_t refused = 0;

    for (const std::size_t id_bytes : {0, 1, 36, 128, 1024}) {
        CAPTURE(id_bytes);
        const auto id = content.substr(0, id_bytes);
        const auto room = detail::max_record_bytes - id_bytes - 8 - 8; // a number; lengths

        CHECK(push(*q, run(id), "t"_key = content.substr(0, room), "n"_key = 1));
        CHECK_FALSE(push(*q, run(id), "t"_key = content.substr(0, room + 1), "n"_key = 1));
        ++refused;
        CHECK(push(
            *q,
            run(id),
            "t"_key = content.substr(0, room / 2),
            "n"_key = 1,
            "u"_key = content.substr(0, room - room / 2)));
        CHECK_FALSE(push(
            *q,
            run(id),
            "t"_key = content.substr(0, room / 2 + 1),
            "n"_key = 1,
            "u"_key = content.substr(0, room - room / 2)));
        ++refused;
    }

    CHECK(rejected(*q, reason::oversize) == refused);
    CHECK(drained(q).size() == 10);
    check_ledger(*q);
}

TEST_CASE("D-4.1 a text far beyond the limit is rejected, whatever its length is modulo 64 KiB") {
    owned_queue q;
    const std::string text((1u << 20) + 5, 'x');
    const std::string_view content = text;

    for (const std::size_t bytes :
         {4096u, 65'535u, 65'536u, 65'537u, 131'072u, 1u << 20, (1u << 20) + 5}) {
        CHECK_FALSE(push(*q, run("1"), "t"_key = content.substr(0, bytes)));
        CHECK_FALSE(
            push(*q, run("1"), "a"_key = 1, "t"_key = content.substr(0, bytes), "u"_key = "x"));
    }

    CHECK(rejected(*q, reason::oversize) == 14);
    CHECK(drained(q).empty());
    check_ledger(*q);
}

TEST_CASE("an id of 1024 bytes is taken, a longer one is rejected as oversize") {
    owned_queue q;
    const std::string id(70'000, 'i');
    const std::string_view content = id;

    CHECK(push(*q, run(content.substr(0, 1024)), "n"_key = 1));
    for (const std::size_t bytes : {1025u, 3000u, 65'536u, 65'537u, 70'000u}) {
        CHECK_FALSE(push(*q, run(content.substr(0, bytes)), "n"_key = 1));
        CHECK_FALSE(push(*q, run(content.substr(0, bytes))));
    }

    CHECK(rejected(*q, reason::oversize) == 10);
    const auto records = drained(q);
    REQUIRE(records.size() == 1);
    CHECK(records[0].id == content.substr(0, 1024));
}

TEST_CASE("a record with run-time keys comes out as it went in, in one slot or in sixteen") {
    owned_queue q;
    const std::string text(2900, 't');
    const made_record small = support::run_time_record<"queue">("id").add("a", 1).add("b", true);
    const made_record large =
        support::run_time_record<"queue">("id").add("a", nullptr).add("b", text).add("c", -0.5);
    const made_record nothing = support::run_time_record<"queue">("id");

    CHECK(push_run_time_keys(*q, small));
    CHECK(push_run_time_keys(*q, large));
    CHECK(push_run_time_keys(*q, nothing));

    const auto records = drained(q);
    REQUIRE(records.size() == 3);
    check_same(records[0], small);
    check_same(records[1], large);
    check_same(records[2], nothing);
}

TEST_CASE("D-8.4 a thread's share is 16 384 slots, then its pushes are rejected as queue_full") {
    owned_queue q;

    CHECK(push_until_refused(*q) == 16'384);
    CHECK_FALSE(push(*q, run("1"), "n"_key = 1));

    CHECK(rejected(*q, reason::queue_full) == 2);
    CHECK(q->blocks_added() == 0);
    CHECK(drained(q).size() == 16'384);
    check_ledger(*q);
}

TEST_CASE("D-8.4 what was taken off the queue may be pushed again") {
    owned_queue q;

    for (int round = 0; round < 5; ++round) {
        CHECK(push_until_refused(*q) == share_slots);
        CHECK(drained(q).size() == share_slots);
    }
    push_until_refused(*q);
    kept_records some;
    q->drain(some, all, block_slots); // a part of it gives a part of the credit

    CHECK(some.records.size() == block_slots);
    CHECK(push_until_refused(*q) == block_slots);
    check_ledger(*q);
}

TEST_CASE("D-8.4 a long record counts all its slots, and is taken whole or not at all") {
    owned_queue q;
    const std::string text(detail::max_record_bytes - 9, 'x');
    const auto push_long_one = [&] { return push(*q, run("1"), "t"_key = std::string_view(text)); };

    std::size_t count = 0;
    while (push_long_one()) {
        ++count;
    }
    CHECK(count == share_slots / detail::max_chain_slots);
    CHECK_FALSE(push(*q, run("1"), "n"_key = 1));
    CHECK(drained(q).size() == count);

    CHECK(push_until_refused(*q, share_slots - 15) == share_slots - 15);
    CHECK_FALSE(push_long_one());
    CHECK(push_until_refused(*q) == 15);
    const auto records = drained(q);

    CHECK(records.size() == share_slots);
    CHECK(records.back().body == support::body_of("n"_key = 1));
    check_ledger(*q);
}

TEST_CASE("D-8.4 beyond the pool memory_limit bounds the queue") {
    constexpr std::size_t pool = 256 * detail::slot_bytes;
    owned_queue q({.capacity = 256, .memory_limit = pool + 3 * block_bytes});

    CHECK(push_until_refused(*q) == 256 + 3 * block_slots);

    CHECK(q->blocks_added() == 3);
    CHECK(q->memory_bytes() == pool + 3 * block_bytes);
    CHECK(rejected(*q, reason::queue_full) == 1);
    CHECK(drained(q).size() == 256 + 3 * block_slots);
    CHECK(push_until_refused(*q) == 256 + 3 * block_slots); // the blocks stay
    CHECK(q->blocks_added() == 3);
    check_ledger(*q);
}

TEST_CASE("D-8.4 what the rest of the exporter holds is not there for further blocks") {
    constexpr std::size_t pool = 256 * detail::slot_bytes;
    owned_queue q({.capacity = 256, .memory_limit = pool + 3 * block_bytes});
    q->set_other_memory(2 * block_bytes);

    CHECK(push_until_refused(*q) == 256 + block_slots);
}

TEST_CASE("D-8.4 after warm_up no block is added, wherever in a block a backlog begins") {
    constexpr std::size_t pool = 256 * detail::slot_bytes;
    owned_queue q({.capacity = 256, .memory_limit = pool + 100 * block_bytes});
    counted_records taken;
    {
        const consumer running(*q, taken);
        REQUIRE(q->warm_up());
    }
    const auto blocks = q->blocks_added();
    CHECK(q->counts().pushed == 0); // what it does is no push
    CHECK(taken.count == 0);

    std::size_t wrong = 0;
    for (const std::size_t offset : {0, 1, 2, 100, 127, 254, 255, 256, 257}) {
        wrong += push_until_refused(*q, offset) != offset ? 1 : 0;
        q->drain(taken, all, no_limit);
        wrong += push_until_refused(*q) != share_slots ? 1 : 0;
        q->drain(taken, all, no_limit);
    }

    CHECK(wrong == 0);
    CHECK(q->blocks_added() == blocks);
    CHECK(taken.count == q->counts().accepted);
    check_ledger(*q);
}

TEST_CASE("D-8.4 warm_up says no when memory_limit leaves no room, and pushes go on") {
    constexpr std::size_t pool = 256 * detail::slot_bytes;
    owned_queue q({.capacity = 256, .memory_limit = pool + 10 * block_bytes});
    counted_records taken;
    {
        const consumer running(*q, taken);
        CHECK_FALSE(q->warm_up());
    }

    CHECK(push_until_refused(*q) == 256 + 10 * block_slots);
    q->drain(taken, all, no_limit);
    CHECK(taken.count == 256 + 10 * block_slots);
    check_ledger(*q);
}

TEST_CASE("D-9.5 after shut pushes are rejected as closed, and still once the slots are gone") {
    record_queue* late = nullptr;
    {
        owned_queue q;
        late = &*q;
        CHECK(push(*q, run("1"), "n"_key = 1));
        q->shut();
        CHECK_FALSE(q->is_open());
        CHECK_FALSE(push(*q, run("1"), "n"_key = 1));
        CHECK_FALSE(push(*q, run("1"), "t"_key = std::string(500, 'x')));
        CHECK_FALSE(push(*q, run("1"), "t"_key = std::string(5000, 'x')));
        CHECK_FALSE(q->warm_up());
        CHECK(drained(q).size() == 1);
    }

    CHECK_FALSE(push(*late, run("1"), "n"_key = 1));
    CHECK_FALSE(late->refuse(reason::oversize));
    on_another_thread([&] { CHECK_FALSE(push(*late, run("1"), "n"_key = 1)); });
    kept_records none;
    CHECK(late->drain(none, 7, no_limit) == 7);

    CHECK(none.records.empty());
    CHECK(rejected(*late, reason::closed) == 6);
    CHECK(late->counts().accepted == 1);
    check_ledger(*late);
}

TEST_CASE("without a destination pushes are rejected for that, after shut as closed") {
    owned_queue q({.has_destination = false});

    CHECK_FALSE(push(*q, run("1"), "n"_key = 1));
    CHECK_FALSE(push(*q, run("1"), "t"_key = std::string(500, 'x')));
    CHECK_FALSE(push(*q, run("1"), "t"_key = std::string(5000, 'x')));
    CHECK(rejected(*q, reason::no_destination) == 3);
    q->shut();
    CHECK_FALSE(push(*q, run("1"), "n"_key = 1));

    CHECK(rejected(*q, reason::closed) == 1);
    CHECK(q->counts().accepted == 0);
    CHECK(drained(q).empty());
    check_ledger(*q);
}

TEST_CASE("a handle that was refused at its opening refuses every push for that reason") {
    owned_queue q;
    detail::context_entry entry;
    entry.queue = &*q;
    entry.refusal = reason::oversize;

    CHECK_FALSE(detail::push_to_context(&*q, &entry, detail::no_time, "n"_key = 1));
    const std::string text(1000, 'x');
    CHECK_FALSE(
        detail::push_to_context(&*q, &entry, detail::no_time, "t"_key = std::string_view(text)));
    CHECK_FALSE(detail::refuse({&*q, &entry, {}, 0}, reason::too_many_names));

    CHECK(rejected(*q, reason::oversize) == 2);
    CHECK(rejected(*q, reason::too_many_names) == 1);
    CHECK(drained(q).empty());
    check_ledger(*q);
}

TEST_CASE("D-1.3 pushed is accepted plus rejected, whatever was pushed") {
    owned_queue q({.capacity = 256, .memory_limit = 256 * detail::slot_bytes});
    const std::string text(600, 'x');
    std::uint64_t calls = 0;
    std::uint64_t accepted = 0;

    for (int i = 0; i < 3000; ++i) {
        const bool is_taken = i % 7 == 0    ? push(*q, run("1"), "t"_key = std::string_view(text))
                              : i % 11 == 0 ? push(*q, run("1"), "t"_key = std::string(4000, 'y'))
                              : i % 13 == 0 ? q->refuse(reason::too_many_names)
                                            : push(*q, run("1"), "n"_key = i);
        ++calls;
        accepted += is_taken ? 1 : 0;
        if (i % 500 == 0) {
            drained(q);
        }
    }

    CHECK(q->counts().pushed == calls);
    CHECK(q->counts().accepted == accepted);
    CHECK(rejected(*q, reason::queue_full) > 0);
    check_ledger(*q);
}

TEST_CASE("a record has the moment of its push, never before that of the one before") {
    owned_queue q;
    const auto before = q->clock().now();

    for (int i = 0; i < 1000; ++i) {
        push(*q, run("1"), "n"_key = i);
    }
    const auto after = q->clock().now();

    const auto records = drained(q);
    CHECK(records.front().stamp >= before);
    CHECK(records.back().stamp <= after);
    CHECK(std::is_sorted(records.begin(), records.end(), [](const auto& a, const auto& b) {
        return a.stamp < b.stamp;
    }));
}

TEST_CASE("a drain leaves alone who has something younger than `newest`, and says up to where all "
          "is there") {
    owned_queue q;
    for (int i = 0; i < 300; ++i) {
        push(*q, run("old"), "n"_key = i);
    }
    const auto newest = q->clock().now();
    while (q->clock().now() <= newest) {
    }
    for (int i = 0; i < 700; ++i) {
        push(*q, run("young"), "n"_key = i);
    }

    kept_records kept;
    CHECK(q->drain(kept, newest, no_limit) == newest);
    CHECK(kept.records.size() == 2 * block_slots); // the block in which it turned young
    CHECK(q->drain(kept, newest, no_limit) == newest);
    CHECK(kept.records.size() == 2 * block_slots);

    const auto now = q->clock().now();
    CHECK(q->drain(kept, now, no_limit) == now);
    CHECK(kept.records.size() == 1000);
}

TEST_CASE("a drain that stops at its limit says where it stopped") {
    owned_queue q;
    for (int i = 0; i < 1000; ++i) {
        push(*q, run("1"), "n"_key = i);
    }
    const auto now = q->clock().now();

    kept_records kept;
    const auto first = q->drain(kept, now, block_slots);
    CHECK(kept.records.size() == block_slots);
    CHECK(first == kept.records.back().stamp);
    const auto second = q->drain(kept, now, 2 * block_slots);
    CHECK(kept.records.size() == 3 * block_slots);
    CHECK(second == kept.records.back().stamp);
    CHECK(q->drain(kept, now, 2 * block_slots) == now);
    CHECK(kept.records.size() == 1000);
}

TEST_CASE("a long record that is cut by the limit holds back what is younger until it is whole") {
    owned_queue q;
    const std::string text(detail::max_record_bytes - 12, 'x');
    push_until_refused(*q, block_slots - 3);
    REQUIRE(push(*q, run("long"), "t"_key = std::string_view(text)));
    on_another_thread([&] { push(*q, run("other"), "n"_key = 1); });
    const auto now = q->clock().now();

    kept_records kept;
    const auto complete = q->drain(kept, now, block_slots);

    REQUIRE(kept.records.size() == block_slots - 3 + 1);
    const auto other = std::find_if(
        kept.records.begin(), kept.records.end(), [](const auto& r) { return r.id == "other"; });
    REQUIRE(other != kept.records.end());
    CHECK(complete < other->stamp);
    CHECK(q->drain(kept, now, no_limit) == now);
    CHECK(kept.records.back().id == "long");
    CHECK(kept.records.back().body == support::body_of("t"_key = std::string_view(text)));
    CHECK(kept.records.back().stamp >= complete);
}

TEST_CASE("a pass is shared by those that have something and are not ahead of one that is behind") {
    owned_queue q;
    CHECK(q->due_producer_count() == 1); // not looked at yet: the shared one for late pushes
    for (int i = 0; i < 1000; ++i) {
        push(*q, run("first"), "n"_key = i);
    }
    for (int t = 0; t < 3; ++t) {
        on_another_thread([&] {
            for (int i = 0; i < 1000; ++i) {
                push(*q, run("later"), "n"_key = i);
            }
        });
    }
    CHECK(q->due_producer_count() == 5);
    counted_records taken;
    q->drain(taken, all, block_slots);
    CHECK(taken.count == 4 * block_slots);

    CHECK(q->due_producer_count() == 1);
    q->drain(taken, all, no_limit);
    CHECK(taken.count == 1000 + 3 * block_slots);
    while (!q->is_empty()) {
        q->drain(taken, all, no_limit);
    }
    CHECK(taken.count == 4000);
    CHECK(q->due_producer_count() == 0);
    check_ledger(*q);
}

TEST_CASE("one thread's backlog does not keep another's records from coming") {
    owned_queue q;
    for (int i = 0; i < 1000; ++i) {
        push(*q, run("many"), "n"_key = i);
    }
    on_another_thread([&] { push(*q, run("one"), "n"_key = 1); });

    kept_records kept;
    const auto now = q->clock().now();
    const auto complete = q->drain(kept, now, block_slots);

    CHECK(kept.records.size() == block_slots + 1);
    CHECK(std::any_of(kept.records.begin(), kept.records.end(), [&](const auto& r) {
        return r.id == "one" && r.stamp > complete;
    }));
}

TEST_CASE("D-9.7 a thread that ends leaves its part to the next, with its records delivered") {
    owned_queue q;
    std::size_t came = 0;

    for (int i = 0; i < 200; ++i) {
        on_another_thread([&] {
            push(*q, run(i), "n"_key = i);
            push(*q, run(i), "t"_key = std::string(1000, 'x'));
        });
        const auto records = drained(q);
        came += records.size() == 2 && records[0].id == std::to_string(i) ? 1 : 0;
    }

    CHECK(came == 200);
    CHECK(q->producer_count() == 2); // the shared one for late pushes, and theirs
    CHECK(q->blocks_added() == 0);
    check_ledger(*q);
}

TEST_CASE("D-9.7 a thread whose predecessor's records still wait gets a whole share of its own") {
    owned_queue q;

    for (int i = 0; i < 3; ++i) {
        on_another_thread([&] { CHECK(push_until_refused(*q) == share_slots); });
    }

    CHECK(q->producer_count() == 4);
    CHECK(drained(q).size() == 3 * share_slots);
    check_ledger(*q);
}

TEST_CASE("D-9.5 a push from a destructor at the end of its thread is taken") {
    owned_queue q;

    on_another_thread([&] {
        struct last_breath {
            record_queue* queue = nullptr;
            bool* was_taken = nullptr;
            ~last_breath() { *was_taken = push(*queue, run("late"), "n"_key = 1); }
        };
        static bool was_taken;
        thread_local last_breath late;
        late.queue = &*q;
        late.was_taken = &was_taken;
        push(*q, run("in time"), "n"_key = 1);
    });

    std::vector<std::string> ids;
    for (const auto& record : drained(q)) {
        ids.push_back(record.id);
    }
    std::sort(ids.begin(), ids.end());
    CHECK(ids == std::vector<std::string>{"in time", "late"});
    check_ledger(*q);
}

TEST_CASE("a thread may push to several queues in turn") {
    owned_queue one;
    owned_queue other;

    for (int i = 0; i < 10; ++i) {
        push(*one, run("one"), "n"_key = i);
        push(*other, run("other"), "n"_key = i);
        push(*other, run("other"), "t"_key = std::string(300, 'x'));
    }

    CHECK(drained(one).size() == 10);
    CHECK(drained(other).size() == 20);
    CHECK(one->producer_count() == 2);
    CHECK(other->producer_count() == 2);
}

TEST_CASE("the records of several threads all come, each thread's in its order") {
    constexpr int threads = 4;
    constexpr std::int64_t each = 20'000;
    owned_queue q;
    kept_records kept;
    kept.records.reserve(threads * each);
    const std::string text(400, 'x');

    {
        const consumer running(*q, kept);
        std::vector<std::thread> producers;
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                for (std::int64_t i = 0; i < each; ++i) {
                    const auto push_one = [&] {
                        return i % 100 == 0
                                   ? push(*q, run(t), "n"_key = i, "t"_key = std::string_view(text))
                                   : push(*q, run(t), "n"_key = i);
                    };
                    while (!push_one()) {
                        std::this_thread::yield();
                    }
                }
            });
        }
        for (auto& one : producers) {
            one.join();
        }
    }
    q->drain(kept, all, no_limit);

    std::int64_t expected[threads] = {};
    std::uint64_t last_stamp[threads] = {};
    int wrong = 0;
    for (const auto& record : kept.records) {
        const auto thread = static_cast<std::size_t>(record.id[0] - '0');
        const auto number = load_unaligned<std::int64_t>(record.body.data());
        wrong += number == expected[thread]++ && record.stamp >= last_stamp[thread] ? 0 : 1;
        last_stamp[thread] = record.stamp;
    }
    CHECK(kept.records.size() == threads * each);
    CHECK(wrong == 0);
    CHECK(q->counts().accepted == threads * each);
    CHECK(q->counts().taken == threads * each);
    check_ledger(*q);
}

TEST_CASE("D-9.2 shut waits for the pushes under way: what was accepted can be drained") {
    for (int round = 0; round < 50; ++round) {
        owned_queue q({.capacity = 1024, .memory_limit = std::size_t{8} << 20});
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<int> running{0};
        std::vector<std::thread> producers;
        for (int t = 0; t < 3; ++t) {
            producers.emplace_back([&] {
                ++running;
                while (push(*q, run("1"), "n"_key = 1)) {
                    ++accepted;
                }
            });
        }
        while (running.load() != 3) {
            std::this_thread::yield();
        }
        q->shut();
        const auto came = drained(q).size();
        for (auto& one : producers) {
            one.join();
        }

        CHECK(came == accepted.load());
        CHECK(drained(q).empty());
        check_ledger(*q);
    }
}

TEST_CASE(
    "D-8.1 a push that finds no room waits for it, one slot or many, and nothing is refused") {
    owned_queue q({.block_timeout = 1min});
    constexpr int threads = 3;
    constexpr std::uint64_t each = 2 * share_slots;
    const std::string text(detail::max_record_bytes - 9, 'x');
    counted_records taken;
    {
        std::vector<std::thread> producers;
        std::atomic<int> running{threads};
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                for (std::uint64_t i = 0; i < each; ++i) {
                    if (t == 0 && i % 16 == 0) {
                        push(*q, run(t), "t"_key = std::string_view(text));
                    } else {
                        push(*q, run(t), "n"_key = i);
                    }
                }
                --running;
            });
        }
        while (running != 0) { // slowly: they catch up with it each time
            std::this_thread::sleep_for(1ms);
            q->drain(taken, all, 1024);
        }
        for (auto& one : producers) {
            one.join();
        }
    }
    while (!q->is_empty()) {
        q->drain(taken, all, no_limit);
    }

    const auto counts = q->counts();
    CHECK(counts.pushed == threads * each);
    CHECK(counts.accepted == threads * each);
    CHECK(taken.count == threads * each);
    check_ledger(*q);
}

TEST_CASE("D-9.2 what is discarded after shut is counted, a record that is half taken too") {
    owned_queue q;
    const std::string text(detail::max_record_bytes - 12, 'x');
    push_until_refused(*q, block_slots - 3);
    REQUIRE(push(*q, run("long"), "t"_key = std::string_view(text)));
    on_another_thread([&] { push_until_refused(*q, 1000); });
    counted_records taken;
    q->drain(taken, all, block_slots);
    REQUIRE(taken.count == 2 * block_slots - 3);
    q->shut();

    CHECK(q->discard() == 1000 - block_slots + 1);
    CHECK(q->discard() == 0);
    CHECK(q->is_empty());
    CHECK(drained(q).empty());
    CHECK(q->counts().taken == q->counts().accepted);
    check_ledger(*q);
}

TEST_CASE("D-8.1 a push that waited block_timeout in vain is rejected as queue_full") {
    constexpr auto wait = 60ms;
    owned_queue q({.block_timeout = wait});
    const std::string text(1000, 'x');
    CHECK(push_until_refused(*q, share_slots) == share_slots);

    auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(push(*q, run("1"), "n"_key = 1));
    CHECK(std::chrono::steady_clock::now() - begin >= wait);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    begin = std::chrono::steady_clock::now();
    CHECK_FALSE(push(*q, run("1"), "t"_key = std::string_view(text)));
    CHECK(std::chrono::steady_clock::now() - begin >= wait);

    CHECK(rejected(*q, reason::queue_full) == 2);
    CHECK(drained(q).size() == share_slots);
    CHECK(push(*q, run("1"), "n"_key = 1));
    check_ledger(*q);
}

TEST_CASE("D-8.1 shut wakes who waits for room: rejected as closed") {
    owned_queue q({.block_timeout = 1min});
    constexpr int threads = 8;
    std::atomic<int> full{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> producers;
    for (int t = 0; t < threads; ++t) {
        producers.emplace_back([&, t] {
            push_until_refused(*q, share_slots);
            ++full;
            const std::string text(t % 2 == 0 ? 10 : 1000, 'x'); // alone, or as a chain
            refused += push(*q, run("1"), "t"_key = std::string_view(text)) ? 0 : 1;
        });
    }
    while (full != threads) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(20ms);
    const auto begin = std::chrono::steady_clock::now();
    q->shut();
    for (auto& one : producers) {
        one.join();
    }

    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    CHECK(refused == threads);
    CHECK(rejected(*q, reason::closed) == threads);
    CHECK(drained(q).size() == threads * share_slots);
    check_ledger(*q);
}

TEST_CASE("D-8.1 at memory_limit a push waits until others hold less") {
    constexpr std::size_t pool = 256 * detail::slot_bytes;
    owned_queue q({.capacity = 256, .memory_limit = pool + 3 * block_bytes, .block_timeout = 1min});
    q->set_other_memory(3 * block_bytes);
    CHECK(push_until_refused(*q, block_slots) == block_slots);
    std::thread waiting([&] { CHECK(push(*q, run("1"), "n"_key = 1)); });
    std::this_thread::sleep_for(20ms);
    CHECK(q->counts().pushed == block_slots);
    q->set_other_memory(0);
    waiting.join();

    CHECK(q->blocks_added() == 1);
    CHECK(drained(q).size() == block_slots + 1);
    check_ledger(*q);
}

TEST_CASE("D-8.1 a thread that makes the room never waits for it") {
    owned_queue q({.block_timeout = 1min});

    on_another_thread([&] {
        record_queue::never_wait_on_this_thread();
        const auto begin = std::chrono::steady_clock::now();
        CHECK(push_until_refused(*q) == share_slots);
        CHECK_FALSE(push(*q, run("1"), "t"_key = std::string(1000, 'x')));
        CHECK(std::chrono::steady_clock::now() - begin < 30s);
    });

    CHECK(rejected(*q, reason::queue_full) == 2);
    check_ledger(*q);
}

TEST_CASE("D-8.1 a push at the end of its thread waits too, and nobody for it") {
    owned_queue q({.block_timeout = 1min});
    std::atomic<std::size_t> late_ones{0};
    std::thread ending([&] {
        struct last_breath {
            record_queue* queue = nullptr;
            std::atomic<std::size_t>* taken = nullptr;
            ~last_breath() {
                while (*taken != share_slots + 1) {
                    *taken += push(*queue, run("late"), "n"_key = 1) ? 1 : 0;
                }
            }
        };
        thread_local last_breath late;
        late.queue = &*q;
        late.taken = &late_ones;
        push(*q, run("in time"), "n"_key = 1);
    });
    while (late_ones != share_slots) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(20ms);
    CHECK(q->counts().accepted == share_slots + 1); // takes the lock
    CHECK(push(*q, run("another"), "n"_key = 1));   // takes it for its first push
    CHECK(drained(q).size() == share_slots + 2);
    ending.join();

    CHECK(drained(q).size() == 1);
    CHECK(q->counts().accepted == share_slots + 3);
    check_ledger(*q);
}

TEST_CASE("contexts that were closed or let go are told once, in order") {
    owned_queue q;
    auto closed = std::make_unique<detail::context_entry>();
    closed->queue = &*q;
    auto gone = std::make_unique<detail::context_entry>();
    const auto before = q->clock().now();

    CHECK(q->take_released().empty());
    q->close(closed.get());
    q->close(closed.get()); // twice is once
    q->release(gone.get());

    CHECK(closed->closed_at.load() >= before);
    const auto told = q->take_released();
    REQUIRE(told.size() == 2);
    CHECK(told[0].entry == closed.get());
    CHECK_FALSE(told[0].has_no_handle);
    CHECK(told[1].entry == gone.get());
    CHECK(told[1].has_no_handle);
    CHECK(q->take_released().empty());
}
}
