#include "queue/record_queue.hpp"

#include "core/fetch.hpp"
#include "core/json_block.hpp"
#include "core/large_allocator.hpp"

#include <concurrentqueue/concurrentqueue.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace monarc::queue {

namespace {

using detail::slot;

// One slot of a chain; all of it counts.
struct chain_link {
    const slot* whole;
};

// Word by word: the values were stored as words a moment ago, and a load that spans two such stores
// has to wait until both have left the store buffer.
template <std::size_t... Index>
[[gnu::always_inline]] inline void
copy_words(unsigned char* to, const unsigned char* from, std::index_sequence<Index...>) noexcept {
    const auto copy = [&](std::size_t at) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + at, sizeof word);
        asm("" : "+r"(word)); // else two become one vector
        std::memcpy(to + at, &word, sizeof word);
    };
    (copy(Index * sizeof(std::uint64_t)), ...);
}

// What a slot is made of. How many texts it has is known to the compiler.
enum class texts : std::uint64_t { none, one, many };
template <texts Count>
struct slot_parts {
    static constexpr auto count = Count;
    const detail::laid_record* laid;
    std::uint64_t head;
    std::uint64_t target;
};

// A slot inside the queue. On the stack it only says where the parts are, so that they stay in
// registers until the queue has found the place to build it. Only the cache lines in use are
// written: a usual push touches one or two of three. Texts come straight from the caller: through
// the stack, the second copy would meet stores that are still under way.
struct queued_slot : slot {
    template <class Parts>
    [[gnu::always_inline]] queued_slot(const Parts& parts, std::uint64_t its_stamp) noexcept {
        head = parts.head;
        target = parts.target;
        stamp = its_stamp;
        const auto* const laid = parts.laid;
        const auto count = Parts::count;
        std::memcpy(body, &laid, sizeof laid);
        std::memcpy(body + sizeof laid, &count, sizeof count);
    }
    [[gnu::always_inline]] queued_slot(const queued_slot& from) noexcept : queued_slot() {
        constexpr std::size_t line = 64;
        constexpr std::size_t body_of_line = line - detail::slot_header_bytes;
        const detail::laid_record* laid = nullptr;
        auto count = texts::none;
        std::memcpy(&laid, from.body, sizeof laid);
        std::memcpy(&count, from.body + sizeof laid, sizeof count);
        head = from.head;
        target = from.target;
        stamp = from.stamp;
        when = laid->when;
        copy_words(
            body, laid->fixed, std::make_index_sequence<body_of_line / sizeof(std::uint64_t)>{});
        const auto fixed_bytes = fixed_bytes_of(from.head);
        if (fixed_bytes > body_of_line) {
            std::memcpy(body + body_of_line, laid->fixed + body_of_line, line);
            if (fixed_bytes > body_of_line + line) {
                std::memcpy(body + body_of_line + line, laid->fixed + body_of_line + line, line);
            }
        }
        if (count == texts::none) {
            return;
        }
        auto* at = body + fixed_bytes;
        const auto put = [&](std::string_view text) {
            detail::copy_text(at, text.data(), text.size());
            at += text.size();
        };
        put(laid->text);
        if (count == texts::many) {
            const auto* text = laid->more_texts;
            for (auto left = laid->more_count; left != 0; --left, ++text) {
                put(*text);
            }
        }
        constexpr std::size_t uuid_bytes = 36; // as text; what most ids are
        if (const auto id_bytes = id_bytes_of(from.head); id_bytes == uuid_bytes) {
            std::memcpy(at, laid->id, uuid_bytes);
        } else {
            detail::copy_text(at, laid->id, id_bytes);
        }
    }
    explicit queued_slot(const chain_link& from) noexcept : queued_slot() {
        std::memcpy(static_cast<slot*>(this), from.whole, detail::slot_bytes);
    }

private:
    queued_slot() noexcept {
#if defined(__SANITIZE_THREAD__)
        __tsan_acquire(this);
#endif
    }
};

struct queue_traits : moodycamel::ConcurrentQueueDefaultTraits {
    static const size_t BLOCK_SIZE = block_slots;
    static const size_t EXPLICIT_BLOCK_EMPTY_COUNTER_THRESHOLD = 32;
    static const size_t EXPLICIT_INITIAL_INDEX_SIZE = 4 * share_slots / block_slots;
    static const size_t INITIAL_IMPLICIT_PRODUCER_HASH_SIZE = 0;

    // Touches every page, so that no push meets a page fault of a fresh block. Volatile: the
    // compiler makes one calloc of malloc and memset, and that touches nothing.
    static void* malloc(size_t bytes) {
        constexpr size_t smallest_page = 4096;
        auto* const memory = static_cast<volatile char*>(allocate_large(bytes));
        for (size_t at = 0; memory != nullptr && at < bytes; at += smallest_page) {
            memory[at] = 0;
        }
        return const_cast<char*>(memory);
    }
    static void free(void* memory) { std::free(memory); }
};

using slot_queue = moodycamel::ConcurrentQueue<queued_slot, queue_traits>;

template <class Integer>
void bump(std::atomic<Integer>& counter, Integer by = 1) noexcept {
    counter.store(
        counter.load(std::memory_order_relaxed) + by, std::memory_order_release); // one writer
}

// All cores pass a full barrier, so that a store before and a load after a gate cannot have crossed
// unseen.
void barrier_on_all_cores() noexcept {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
        // Not offered here: a store buffer drains within microseconds, a switched-out thread has
        // drained its own.
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

// Sleeps until `word` is no longer `seen`, somebody wakes the sleepers, or the time has come; may
// return early.
void sleep_on(
    std::atomic<std::uint32_t>& word,
    std::uint32_t seen,
    std::chrono::steady_clock::time_point until) noexcept {
    static_assert(sizeof word == sizeof seen && std::atomic<std::uint32_t>::is_always_lock_free);
    using namespace std::chrono;
    const auto since_boot = until.time_since_epoch(); // of CLOCK_MONOTONIC, as the kernel counts
    const auto whole = duration_cast<seconds>(since_boot);
    timespec absolute{};
    absolute.tv_sec = whole.count();
    absolute.tv_nsec = duration_cast<nanoseconds>(since_boot - whole).count();
    ::syscall(
        SYS_futex,
        &word,
        FUTEX_WAIT_BITSET_PRIVATE,
        seen,
        &absolute,
        nullptr,
        FUTEX_BITSET_MATCH_ANY);
}

void wake_all_on(std::atomic<std::uint32_t>& word) noexcept {
    ::syscall(
        SYS_futex, &word, FUTEX_WAKE_PRIVATE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

} // namespace

struct slot_storage {
    slot_queue slots;

    explicit slot_storage(std::size_t capacity) : slots(capacity) {}
};

// One thread's part. The first line is written by the thread alone, the last by the consumer alone.
struct producer {
    // Without a storage, after close, only to count what is refused.
    producer(record_queue& q, slot_storage* storage) : queue(&q) {
        if (storage != nullptr) {
            slots = &storage->slots;
            token.emplace(*slots);
        }
    }

    alignas(64) std::atomic<std::uint64_t> accepted{0};
    std::uint64_t limit = share_slots;   // `accepted` may grow up to here before
                                         // `consumed_slots` is read again
    std::atomic<bool> is_pushing{false}; // set before the gate is read: shut() waits for it
    record_queue* const queue;
    slot_queue* slots = nullptr; // while the queue is open
    producer* next_of_thread = nullptr;
    std::optional<moodycamel::ProducerToken> token;
    // Slots that are no record of their own: the later ones of chains, and those of warm_up.
    std::atomic<std::uint64_t> further_slots{0};

    // Slots that were published. The thread itself reads it exactly; others may miss a push that is
    // under way.
    std::uint64_t sent_slots() const noexcept {
        const auto records = accepted.load(std::memory_order_acquire);
        return records + further_slots.load(std::memory_order_acquire);
    }

    alignas(64) std::array<std::atomic<std::uint64_t>, reject_reasons> rejected{};

    alignas(64) std::atomic<std::uint64_t> consumed_slots{0};
    std::uint64_t taken = 0;
    std::uint64_t last_stamp = 0;
    std::size_t chain_missing = 0; // bytes of a long record whose other slots have not come yet
    std::unique_ptr<unsigned char[]> chain;
    std::size_t chain_bytes = 0;

    // The youngest stamp up to which everything that was dequeued is complete.
    std::uint64_t complete_stamp() const noexcept {
        return last_stamp - (chain_missing != 0 ? 1 : 0);
    }
};

// A thread's producers, one for each exporter that it pushed to. The last one used is plain and
// constant-initialised, so that reading it costs one instruction; the object with the destructor is
// touched on the slow path only.
namespace {
struct queue_and_part {
    const record_queue* queue;
    producer* part;
};
constinit thread_local queue_and_part current __attribute__((tls_model("initial-exec"))){};
constinit thread_local bool thread_is_ending __attribute__((tls_model("initial-exec"))) = false;
constinit thread_local bool thread_never_waits __attribute__((tls_model("initial-exec"))) = false;
} // namespace

struct thread_producers {
    producer* first = nullptr;

    thread_producers() = default;
    thread_producers(const thread_producers&) = delete;
    thread_producers& operator=(const thread_producers&) = delete;
    ~thread_producers() {
        thread_is_ending = true;
        current = {};
        while (first != nullptr) {
            auto& p = *std::exchange(first, first->next_of_thread);
            p.queue->give_back(p);
        }
    }

    // Null when this thread pushes to `of` for the first time.
    producer* find(const record_queue& of) const noexcept {
        auto* p = first;
        while (p != nullptr && p->queue != &of) {
            p = p->next_of_thread;
        }
        return p;
    }

    void add(producer& p) noexcept {
        p.next_of_thread = first;
        first = &p;
    }

    // A thread that outlives many exporters keeps nothing of them.
    void leave_closed_queues() noexcept {
        for (auto** at = &first; *at != nullptr;) {
            auto& p = **at;
            if (p.queue->is_open()) {
                at = &p.next_of_thread;
            } else {
                *at = p.next_of_thread;
                if (current.part == &p) {
                    current = {};
                }
                p.queue->give_back(p);
            }
        }
    }

    static thread_producers& mine() {
        thread_local thread_producers instance;
        return instance;
    }
};

record_queue::record_queue(const settings& s)
    : state_(
          !s.has_destination ? state::aimless
          : s.clock.counter  ? state::open
                             : state::timed),
      clock_(s.clock), pool_bytes_(s.capacity_slots * detail::slot_bytes),
      memory_limit_(s.memory_limit), block_timeout_(s.block_timeout) {
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    auto storage = std::make_unique<slot_storage>(s.capacity_slots);
    storage_.store(storage.get());
    late_ = new_producer();
    remember();
    storage.release();
}

// --- producers
// -----------------------------------------------------------------------------------------------------

reason record_queue::refusal() const noexcept {
    return state_.load(std::memory_order_relaxed) == state::aimless ? reason::no_destination
                                                                    : reason::closed;
}

namespace {

[[gnu::noinline, gnu::cold]] bool reject(producer& p, reason why) noexcept {
    bump(p.rejected[static_cast<std::size_t>(why)]);
    p.is_pushing.store(false, std::memory_order_release);
    return false;
}

// Whether `count` more slots fit the thread's share; reads the consumer's counter only when the
// credit is used up.
[[gnu::noinline, gnu::cold]] bool renew_credit(producer& p, std::size_t count) noexcept {
    const auto held = p.sent_slots() - p.consumed_slots.load(std::memory_order_acquire);
    const auto room = share_slots - std::min<std::uint64_t>(held, share_slots);
    p.limit = p.accepted.load(std::memory_order_relaxed) + room;
    return count <= room;
}

} // namespace

// Flat, so that the compiler puts the queue's try_enqueue in here: the call and the registers it
// would save are a tenth of a push.
[[gnu::flatten]] bool record_queue::push_numbers(
    const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept {
    return push_one(slot_parts<texts::none>{.laid = &r, .head = head, .target = target});
}
[[gnu::flatten]] bool record_queue::push_text(
    const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept {
    return push_one(slot_parts<texts::one>{.laid = &r, .head = head, .target = target});
}
[[gnu::flatten]] bool record_queue::push_texts(
    const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept {
    return push_one(slot_parts<texts::many>{.laid = &r, .head = head, .target = target});
}

// The parts go to the cold functions by value: were their address to go out, all pushes would keep
// them in memory.
template <class Parts>
[[gnu::always_inline]] inline bool record_queue::push_one(Parts parts) noexcept {
    if (current.queue != this) [[unlikely]] {
        return push_slowly(parts);
    }
    auto& p = *current.part;
    p.is_pushing.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const auto gate = state_.load(std::memory_order_acquire);
    std::uint64_t stamp = 0;
    if (gate == state::open) [[likely]] {
        stamp = stamp_clock{.counter = true}.now();
    } else if (gate == state::timed) {
        stamp = monotonic_nanoseconds();
    } else {
        return reject(p, refusal());
    }
    const auto accepted = p.accepted.load(std::memory_order_relaxed);
    if (accepted >= p.limit && !renew_credit(p, 1)) [[unlikely]] {
        return push_later(p, parts);
    }
    if (!p.token->valid()) {
        __builtin_unreachable(); // new_producer has seen to it; the compiler need not
    }
    if (!p.slots->try_enqueue(*p.token, queued_slot(parts, stamp)) &&
        !add_block_and_enqueue_one(p, parts)) [[unlikely]] {
        return push_later(p, parts);
    }
    p.accepted.store(accepted + 1, std::memory_order_release);
    p.is_pushing.store(false, std::memory_order_release);
    return true;
}

template <class Parts>
[[gnu::noinline, gnu::cold]] bool
record_queue::add_block_and_enqueue_one(producer& p, Parts parts) noexcept {
    return with_one_more_block(
        [&] { return p.slots->enqueue(*p.token, queued_slot(parts, clock_.now())); });
}

// There was no room.
template <class Parts>
[[gnu::noinline, gnu::cold]] bool record_queue::push_later(producer& p, Parts parts) noexcept {
    std::unique_lock<std::mutex> nothing_held;
    return wait_for_room(p, nothing_held, [&] {
        if (p.accepted.load(std::memory_order_relaxed) >= p.limit && !renew_credit(p, 1)) {
            return false;
        }
        if (!p.slots->try_enqueue(*p.token, queued_slot(parts, clock_.now())) &&
            !add_block_and_enqueue_one(p, parts)) {
            return false;
        }
        bump(p.accepted);
        return true;
    });
}

// D-8.1. Repeats a push whenever there may be room, until block_timeout is over or the gate shuts.
// Called while it counts as under way; while it sleeps it does not, and `held` is let go, so that
// neither shut() nor anybody else waits for it.
template <class Attempt>
bool record_queue::wait_for_room(
    producer& p, std::unique_lock<std::mutex>& held, Attempt attempt) noexcept {
    if (block_timeout_ <= std::chrono::milliseconds(0) || thread_never_waits) {
        return reject(p, reason::queue_full);
    }
    p.is_pushing.store(false, std::memory_order_release);
    const auto deadline = std::chrono::steady_clock::now() + block_timeout_;
    // Whoever makes room changes `count` as well (wake_waiting): either that comes first, and the
    // attempt below finds the room; or it sees this thread, and changes `wakes`.
    waiting_.count.fetch_add(1, std::memory_order_acq_rel);
    bool has_time = true;
    bool is_taken = false;
    auto why = reason::queue_full;
    while (true) {
        const auto seen = waiting_.wakes.load(std::memory_order_acquire);
        p.is_pushing.store(true, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (!takes_records(state_.load(std::memory_order_acquire))) {
            why = refusal();
            break;
        }
        is_taken = attempt();
        if (is_taken || !has_time) {
            break;
        }
        p.is_pushing.store(false, std::memory_order_release);
        if (held.mutex() != nullptr) {
            held.unlock();
        }
        sleep_on(waiting_.wakes, seen, deadline);
        has_time = std::chrono::steady_clock::now() < deadline;
        if (held.mutex() != nullptr) {
            held.lock();
        }
    }
    waiting_.count.fetch_sub(1, std::memory_order_relaxed);
    if (!is_taken) {
        return reject(p, why);
    }
    p.is_pushing.store(false, std::memory_order_release);
    return true;
}

// After room was made, or the gate was shut. No system call when nobody waits.
void record_queue::wake_waiting() noexcept {
    if (block_timeout_ <= std::chrono::milliseconds(0)) {
        return;
    }
    // Adding nothing makes it a link between what was done before and the thread that comes next.
    if (waiting_.count.fetch_add(0, std::memory_order_acq_rel) != 0) {
        waiting_.wakes.fetch_add(1, std::memory_order_release);
        wake_all_on(waiting_.wakes);
    }
}

void record_queue::never_wait_on_this_thread() noexcept {
    thread_never_waits = true;
}

template <class Parts>
[[gnu::noinline, gnu::cold]] bool record_queue::push_slowly(Parts parts) noexcept {
    if (acquire_producer() != nullptr) {
        return push_one(parts);
    }
    const auto& laid = *parts.laid;
    std::array<std::string_view, 2 + detail::slot_body_bytes / 2> all; // a text's length takes 2
    std::size_t count = 0;
    all[count++] = {reinterpret_cast<const char*>(laid.fixed), fixed_bytes_of(parts.head)};
    std::string_view id;
    if constexpr (Parts::count != texts::none) {
        all[count++] = laid.text;
        id = {laid.id, id_bytes_of(parts.head)};
    }
    if constexpr (Parts::count == texts::many) {
        std::copy_n(laid.more_texts, laid.more_count, all.begin() + 2);
        count += laid.more_count;
    }
    return push_parts(shape_of_head(parts.head), parts.target, laid.when, all.data(), count, id);
}

bool record_queue::push_parts(
    std::uint64_t shape,
    std::uint64_t target,
    std::int64_t when,
    const std::string_view* parts,
    std::size_t count,
    std::string_view id) noexcept {
    std::size_t body_bytes = 0;
    bool fits = id.size() <= detail::max_id_bytes;
    for (std::size_t i = 0; i < count && fits; ++i) {
        fits = parts[i].size() <= detail::max_record_bytes;
        body_bytes += parts[i].size();
    }
    if (!fits || body_bytes + id.size() > detail::max_record_bytes) {
        return refuse(reason::oversize);
    }
    slot chain[detail::max_chain_slots];
    auto* const bytes = reinterpret_cast<unsigned char*>(chain);
    auto* at = chain[0].body;
    const auto add = [&](std::string_view part) {
        if (!part.empty()) {
            std::memcpy(at, part.data(), part.size());
            at += part.size();
        }
    };
    std::for_each(parts, parts + count, add);
    add(id);
    const auto used = static_cast<std::size_t>(at - bytes);
    const auto slots_needed = (used + detail::slot_bytes - 1) / detail::slot_bytes;
    chain[0].when = when;

    static_assert(detail::max_chain_slots <= block_slots); // there can be room for any of them
    const auto enqueue_chain = [&](producer& p) noexcept {
        if (p.accepted.load(std::memory_order_relaxed) + slots_needed > p.limit &&
            !renew_credit(p, slots_needed)) {
            return false;
        }
        chain[0].stamp = clock_.now_after_loads();
        chain[0].head = detail::head_of(shape, 0, body_bytes, id.size());
        chain[0].target = target;
        if (!add_block_and_enqueue(p, chain, slots_needed)) {
            return false;
        }
        bump(p.further_slots, static_cast<std::uint64_t>(slots_needed - 1));
        p.limit -= slots_needed - 1;
        bump(p.accepted);
        return true;
    };
    const auto push_chain = [&](producer& p, std::unique_lock<std::mutex>& held) noexcept {
        p.is_pushing.store(true, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (!takes_records(state_.load(std::memory_order_acquire))) {
            return reject(p, refusal());
        }
        if (!enqueue_chain(p)) {
            return wait_for_room(p, held, [&] { return enqueue_chain(p); });
        }
        p.is_pushing.store(false, std::memory_order_release);
        return true;
    };
    std::unique_lock<std::mutex> held;
    auto* p = current.queue == this ? current.part : acquire_producer();
    if (p == nullptr) {
        held = std::unique_lock(lock_);
        p = late_;
    }
    return push_chain(*p, held);
}

namespace {

// Hands the slots of a chain to enqueue_bulk one after the other.
struct chain_iterator {
    const slot* at;

    chain_link operator*() const noexcept { return {at}; }
    chain_iterator& operator++() noexcept {
        ++at;
        return *this;
    }
    chain_iterator operator++(int) noexcept { return {at++}; }
};

} // namespace

bool record_queue::add_block_and_enqueue(
    producer& p, const slot* slots, std::size_t count) noexcept {
    auto& queue = storage_.load(std::memory_order_relaxed)->slots;
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored                                                                     \
    "-Wstringop-overflow" // g++ 12 warns falsely inside inlined enqueue_bulk
#endif
    if (queue.try_enqueue_bulk(*p.token, chain_iterator{slots}, count)) {
        return true;
    }
    return with_one_more_block(
        [&] { return queue.enqueue_bulk(*p.token, chain_iterator{slots}, count); });
#pragma GCC diagnostic pop
}

// Counted first, so that threads that need a block at the same moment cannot exceed the limit
// together.
template <class Enqueue>
bool record_queue::with_one_more_block(Enqueue&& enqueue) noexcept {
    auto before = blocks_added_.load(std::memory_order_relaxed);
    do {
        if (!is_within_limit(before + 1, json_bytes_.load(std::memory_order_relaxed))) {
            return false;
        }
    } while (!blocks_added_.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
    if (enqueue()) {
        return true;
    }
    blocks_added_.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

bool record_queue::push_json(
    std::uint64_t target,
    std::int64_t when,
    std::uint32_t class_shape,
    std::string_view text,
    std::string_view id) noexcept {
    if (text.size() > detail::max_json_bytes) {
        return refuse(reason::oversize);
    }
    return push_block(target, when, text, id, {.class_shape = class_shape}, false);
}

bool record_queue::push_fields(
    std::string_view fields,
    std::string_view id,
    const json_facts& facts,
    std::uint64_t target) noexcept {
    if (fields.size() > max_fields_bytes) {
        return refuse(reason::oversize);
    }
    return push_block(target, detail::no_time, fields, id, facts, true);
}

bool record_queue::push_block(
    std::uint64_t target,
    std::int64_t when,
    std::string_view content,
    std::string_view id,
    const json_facts& facts,
    bool is_read) noexcept {
    if (id.size() > detail::max_id_bytes) {
        return refuse(reason::oversize);
    }
    // Threads that look at the same moment may exceed the limit by a block each.
    const auto wanted = json_bytes_.load(std::memory_order_relaxed) +
                        json_block::bytes_for(content.size(), id.size());
    auto block = is_within_limit(blocks_added_.load(std::memory_order_relaxed), wanted)
                     ? json_block::make(json_bytes_, content, id)
                     : nullptr;
    if (block == nullptr) {
        return refuse(reason::queue_full);
    }
    block->facts = facts;
    block->is_read = is_read;
    const json_block* const address = block.get();
    const std::string_view part(reinterpret_cast<const char*>(&address), sizeof address);
    if (!push_parts(detail::json_shape, target, when, &part, 1, {})) {
        return false;
    }
    (void)block.release(); // its record's now
    return true;
}

bool record_queue::refuse(reason why) noexcept {
    const auto count = [&](producer& p) noexcept {
        return reject(p, takes_records(state_.load(std::memory_order_relaxed)) ? why : refusal());
    };
    if (current.queue == this) {
        return count(*current.part);
    }
    if (auto* const p = acquire_producer()) {
        return count(*p);
    }
    const std::lock_guard guard(lock_);
    return count(*late_);
}

// Fills the share with slots that mean nothing: the only way to make the queue hold on to its
// blocks.
bool record_queue::warm_up() noexcept {
    auto* const p = acquire_producer();
    if (p == nullptr || !is_open()) {
        return false;
    }
    using namespace std::chrono_literals;
    const auto deadline = std::chrono::steady_clock::now() + 1s;
    const auto wait_until_consumed = [&] {
        while (p->consumed_slots.load(std::memory_order_acquire) != p->sent_slots()) {
            if (!is_open() || std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            std::this_thread::sleep_for(500us);
        }
        return true;
    };
    if (!wait_until_consumed()) {
        return false;
    }
    // One block more than the share: a backlog may begin in the middle of one.
    constexpr std::size_t wanted = share_slots + block_slots;
    slot nothing;
    nothing.head = 0;
    nothing.target = 0;
    nothing.stamp = clock_.now();
    nothing.when = detail::no_time;
    bool reserved = false;
    while (!reserved) {
        // shut() waits for this as for a push, so that the storage stays.
        p->is_pushing.store(true, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        bool has_room = is_open();
        const auto begun = p->sent_slots();
        std::uint64_t sent = 0;
        for (std::size_t i = 0; i < wanted && has_room; ++i) {
            has_room = add_block_and_enqueue(*p, &nothing, 1);
            sent += has_room ? 1 : 0;
        }
        // The consumer looks only where something was sent; if a pass was under way all the same,
        // once more.
        reserved = p->consumed_slots.load(std::memory_order_acquire) == begun;
        bump(p->further_slots, sent);
        p->limit = 0; // the next push reads the consumer's counter
        p->is_pushing.store(false, std::memory_order_release);
        if (!wait_until_consumed() || !has_room) {
            return false;
        }
    }
    return true;
}

// --- registration
// --------------------------------------------------------------------------------------------------

producer* record_queue::new_producer() {
    auto fresh = std::make_unique<producer>(*this, storage_.load(std::memory_order_relaxed));
    if (fresh->token && !fresh->token->valid()) {
        throw std::bad_alloc();
    }
    producers_.push_back(std::move(fresh));
    published_producers_.store(producers_.size(), std::memory_order_release);
    return producers_.back().get();
}

// The calling thread's part, found or made. Null: the thread is ending, or there is no memory.
[[gnu::noinline, gnu::cold]] producer* record_queue::acquire_producer() {
    if (thread_is_ending) {
        return nullptr;
    }
    auto& mine = thread_producers::mine();
    auto* p = mine.find(*this);
    if (p == nullptr) {
        mine.leave_closed_queues();
        const std::lock_guard guard(lock_);
        // One that has been emptied comes first: a thread gets a whole share, not what another has
        // left over.
        const auto emptied = std::find_if(idle_.begin(), idle_.end(), [](const producer* one) {
            return one->consumed_slots.load(std::memory_order_acquire) == one->sent_slots();
        });
        constexpr std::size_t many =
            4096; // rather share what is left of a share than grow without bound
        if (emptied != idle_.end()) {
            p = *emptied;
            *emptied = idle_.back();
            idle_.pop_back();
        } else if (idle_.size() >= many) {
            p = idle_.back();
            idle_.pop_back();
        } else {
            try {
                idle_.reserve(producers_.size() + 1); // so that give_back cannot fail
                p = new_producer();
            } catch (...) {
                return nullptr;
            }
        }
        mine.add(*p);
    }
    current = {.queue = this, .part = p};
    return p;
}

void record_queue::give_back(producer& p) noexcept {
    const std::lock_guard guard(lock_);
    idle_.push_back(&p);
}

// --- the consumer
// --------------------------------------------------------------------------------------------------

namespace {

// Where try_dequeue_bulk "assigns" the slots: each is handled where it lies.
class in_place_taker {
public:
    in_place_taker(producer& p, record_taker& to) noexcept : producer_(&p), to_(&to) {}

    in_place_taker& operator*() noexcept { return *this; }
    in_place_taker& operator++() noexcept { return *this; }
    in_place_taker& operator++(int) noexcept { return *this; }

    in_place_taker& operator=(queued_slot&& s) noexcept {
        // They lie one behind the other, in another core's cache; what is behind the end of a block
        // is fetched in vain.
        constexpr std::ptrdiff_t ahead = 6;
        fetch(&s + ahead);
        fetch(reinterpret_cast<const char*>(&s + ahead) + 64);
        auto& p = *producer_;
        if (p.chain_missing != 0) [[unlikely]] {
            take_rest(p, s);
        } else if (s.head != 0) [[likely]] {
            take_first(p, s);
        }
#if defined(__SANITIZE_THREAD__)
        __tsan_release(&s);
#endif
        return *this;
    }

private:
    [[gnu::always_inline]] void take_first(producer& p, slot& s) noexcept {
        if (s.stamp < p.last_stamp) [[unlikely]] {
            s.stamp = p.last_stamp; // never backwards within a thread
        }
        p.last_stamp = s.stamp;
        const auto bytes = content_bytes_of(s.head);
        if (bytes > detail::slot_body_bytes) [[unlikely]] {
            begin_chain(p, s, bytes);
            return;
        }
        ++p.taken;
        to_->take(queued_record(&s));
    }

    // A long record is put together in memory of the producer's.
    [[gnu::noinline]] static void
    begin_chain(producer& p, const slot& s, std::size_t bytes) noexcept {
        if (p.chain == nullptr) {
            p.chain.reset(new (std::nothrow) unsigned char[sizeof(slot) * detail::max_chain_slots]);
        }
        p.chain_missing = bytes - detail::slot_body_bytes;
        p.chain_bytes = 0;
        keep(p, s, detail::slot_bytes);
    }

    [[gnu::noinline]] void take_rest(producer& p, const slot& s) noexcept {
        const auto part = std::min(p.chain_missing, detail::slot_bytes);
        keep(p, s, part);
        p.chain_missing -= part;
        if (p.chain_missing == 0) {
            ++p.taken;
            slot without_content{}; // no memory for it: the taker is told of a record of no shape
            without_content.stamp = p.last_stamp;
            to_->take(queued_record(
                p.chain != nullptr ? static_cast<const void*>(p.chain.get()) : &without_content));
        }
    }

    static void keep(producer& p, const slot& s, std::size_t bytes) noexcept {
        if (p.chain != nullptr) {
            std::memcpy(p.chain.get() + p.chain_bytes, &s, bytes);
        }
        p.chain_bytes += bytes;
    }

    producer* producer_;
    record_taker* to_;
};

} // namespace

// Of a thread that is behind: what it has could not be used before that one's.
inline bool record_queue::is_ahead(const producer& p) const noexcept {
    return p.complete_stamp() > complete_before_;
}

std::uint64_t
record_queue::drain(record_taker& to, std::uint64_t newest, std::size_t max_slots) noexcept {
    auto* const storage = storage_.load(std::memory_order_relaxed);
    if (storage == nullptr) {
        return newest;
    }
    if (known_.size() != published_producers_.load(std::memory_order_acquire)) {
        const std::lock_guard guard(lock_);
        try {
            known_.reserve(producers_.size());
            while (known_.size() < producers_.size()) {
                known_.push_back(producers_[known_.size()].get());
            }
        } catch (...) { // next time
        }
    }
    auto complete_up_to = newest;
    bool has_made_room = false;
    const auto count = known_.size();
    first_ = count == 0 ? 0 : (first_ + 1) % count;
    for (std::size_t i = 0; i < count; ++i) {
        auto& p = *known_[i + first_ < count ? i + first_ : i + first_ - count];
        auto consumed = p.consumed_slots.load(std::memory_order_relaxed);
        if (p.sent_slots() == consumed) {
            continue;
        }
        if (is_ahead(p)) {
            complete_up_to = std::min(complete_up_to, p.complete_stamp());
            continue;
        }
        std::size_t left = max_slots;
        std::size_t got = 0;
        while (left != 0 && (p.last_stamp <= newest || p.chain_missing != 0)) {
            got = storage->slots.try_dequeue_bulk_from_producer(
                *p.token, in_place_taker(p, to), std::min(left, block_slots));
            consumed += got;
            has_made_room = has_made_room || got != 0;
            p.consumed_slots.store(consumed, std::memory_order_release);
            left -= std::min(left, got);
            if (got < block_slots) {
                break;
            }
        }
        if (left == 0 || p.last_stamp > newest) {
            complete_up_to = std::min(complete_up_to, p.complete_stamp());
        }
    }
    if (has_made_room) {
        wake_waiting();
    }
    constexpr auto nobody_is_behind = std::numeric_limits<std::uint64_t>::max();
    complete_before_ = complete_up_to < newest ? complete_up_to : nobody_is_behind;
    return complete_up_to;
}

std::uint64_t record_queue::discard() noexcept {
    assert(!is_open());
    std::uint64_t records = 0;
    const std::lock_guard guard(lock_);
    for (const auto& one : producers_) {
        auto& p = *one;
        const auto accepted = p.accepted.load(std::memory_order_acquire);
        records += accepted - p.taken;
        p.taken = accepted;
        p.chain_missing = 0;
        p.consumed_slots.store(p.sent_slots(), std::memory_order_release);
    }
    return records;
}

bool record_queue::is_empty() const noexcept {
    return known_.size() == published_producers_.load(std::memory_order_acquire) &&
           !any_released_.load(std::memory_order_acquire) &&
           std::all_of(known_.begin(), known_.end(), [](const producer* p) {
               return p->sent_slots() == p->consumed_slots.load(std::memory_order_relaxed);
           });
}

std::vector<record_queue::released_context> record_queue::take_released() noexcept {
    std::vector<released_context> taken;
    if (any_released_.load(std::memory_order_acquire)) {
        const std::lock_guard guard(released_lock_);
        taken.swap(released_);
        any_released_.store(false, std::memory_order_relaxed);
    }
    return taken;
}

std::size_t record_queue::producer_count() noexcept {
    return published_producers_.load(std::memory_order_acquire);
}

std::size_t record_queue::due_producer_count() const noexcept {
    const auto all = published_producers_.load(std::memory_order_acquire);
    if (known_.size() != all) { // of the new ones nothing is known
        return all;
    }
    const auto due = std::count_if(known_.begin(), known_.end(), [&](const producer* p) {
        return p->sent_slots() != p->consumed_slots.load(std::memory_order_relaxed) &&
               !is_ahead(*p);
    });
    return static_cast<std::size_t>(due);
}

std::size_t record_queue::memory_bytes() const noexcept {
    return pool_bytes_ + blocks_added_.load(std::memory_order_relaxed) * block_bytes +
           json_bytes_.load(std::memory_order_relaxed);
}

queue_counts record_queue::counts() noexcept {
    queue_counts sum;
    const std::lock_guard guard(lock_);
    for (const auto& one : producers_) {
        const auto& p = *one;
        // A push counts as soon as its slot was taken, else when it is over.
        const auto accepted = std::max(p.accepted.load(std::memory_order_acquire), p.taken);
        sum.accepted += accepted;
        sum.pushed += accepted;
        sum.taken += p.taken;
        for (std::size_t i = 0; i < reject_reasons; ++i) {
            const auto rejected = p.rejected[i].load(std::memory_order_acquire);
            sum.rejected[i] += rejected;
            sum.pushed += rejected;
        }
    }
    return sum;
}

// --- life
// ----------------------------------------------------------------------------------------------------------

void record_queue::shut() noexcept {
    for (auto expected : {state::open, state::timed, state::aimless}) {
        state_.compare_exchange_strong(expected, state::shut);
    }
    wake_waiting();
    barrier_on_all_cores();
    std::size_t count = 0;
    {
        const std::lock_guard guard(lock_);
        count = producers_.size();
    }
    for (std::size_t i = 0; i < count; ++i) {
        producer* p = nullptr;
        {
            const std::lock_guard guard(lock_);
            p = producers_[i].get();
        }
        // One that comes now sees the gate shut; of one under way the slot is published or refused
        // before it says that it is over.
        while (p->is_pushing.load(std::memory_order_acquire)) {
            std::this_thread::yield();
        }
    }
}

void record_queue::release_storage() noexcept {
    assert(!is_open());
    // The tokens point into the storage and are destroyed with their producers, which live on: the
    // token only marks its part as free, so it must be taken down first.
    const std::lock_guard guard(lock_);
    for (auto& p : producers_) {
        p->token.reset();
    }
    delete storage_.exchange(nullptr);
    const std::lock_guard released_guard(released_lock_);
    is_drained_ = true;
    for (const auto& one : released_) {
        if (one.has_no_handle) {
            delete one.entry;
        }
    }
    released_.clear();
}

void record_queue::release(detail::context_entry* entry) noexcept {
    if (!tell(entry, true)) {
        delete entry;
    }
}

void record_queue::close(detail::context_entry* entry) noexcept {
    std::uint64_t open = 0;
    if (entry->closed_at.compare_exchange_strong(open, clock_.now_after_loads())) {
        tell(entry, false);
    }
}

// Returns: false when the consumer is gone.
bool record_queue::tell(detail::context_entry* entry, bool has_no_handle) noexcept {
    const std::lock_guard guard(released_lock_);
    if (is_drained_) {
        return false;
    }
    try {
        released_.push_back({.entry = entry, .has_no_handle = has_no_handle});
        any_released_.store(true, std::memory_order_release);
    } catch (...) { // no memory to say so: the entry stays until the end
    }
    return true;
}

// --- all of them
// -----------------------------------------------------------------------------------------------------

// Every queue of the process: they are never destroyed, and fork() has to find them.
struct all_queues {
    std::mutex lock;
    std::vector<record_queue*> queues;

    static all_queues& instance() {
        static auto* const one = new all_queues; // never destroyed
        return *one;
    }

    all_queues() { ::pthread_atfork(&before_fork, &in_parent, &in_child); }

    // Nobody may hold one of our locks while the process is copied. They are held for moments only.
    static void before_fork() {
        auto& all = instance();
        all.lock.lock();
        for (auto* q : all.queues) {
            q->lock_.lock();
            q->released_lock_.lock();
        }
        lock_names();
    }
    static void in_parent() {
        unlock_names();
        auto& all = instance();
        for (auto* q : all.queues) {
            q->released_lock_.unlock();
            q->lock_.unlock();
        }
        all.lock.unlock();
    }
    static void in_child() {
        for (auto* q : instance().queues) {
            q->state_.store(record_queue::state::inert, std::memory_order_relaxed);
            for (auto& one : q->descriptors_) {
                if (const int fd = one.exchange(-1, std::memory_order_relaxed); fd >= 0) {
                    ::close(fd); // the parent's connection goes on
                }
            }
        }
        in_parent();
    }
};

void record_queue::handle_forks() {
    all_queues::instance();
}

void record_queue::remember() {
    auto& all = all_queues::instance();
    const std::lock_guard guard(all.lock);
    all.queues.push_back(this);
}

} // namespace monarc::queue

// --- the functions that public headers call
// --------------------------------------------------------------------------

namespace monarc::detail {

namespace {
queue::record_queue& queue_of(gate* g) noexcept {
    return *static_cast<queue::record_queue*>(g);
}

// Of a class_name without a number.
reason refusal_of_class(std::uint32_t number) noexcept {
    return number == key_too_long ? reason::oversize : reason::too_many_names;
}

// What makes every push to it be rejected.
std::optional<reason> refusal_of(const destination_of_push& to) noexcept {
    if (to.context != nullptr) {
        return to.context->refusal;
    }
    if (to.class_number == key_without_room || to.class_number == key_too_long) {
        return refusal_of_class(static_cast<std::uint32_t>(to.class_number));
    }
    return std::nullopt;
}

std::uint64_t target_of(const destination_of_push& to) noexcept {
    return to.class_number == no_class_number
               ? monarc::target_of(to.context)
               : monarc::target_of(static_cast<std::uint32_t>(to.class_number));
}
} // namespace

bool push_numbers(context_entry* to, const laid_record& r, std::uint64_t head) noexcept {
    if (to->refusal) [[unlikely]] {
        return to->queue->refuse(*to->refusal);
    }
    return to->queue->push_numbers(r, head, monarc::target_of(to));
}

bool push_text(context_entry* to, const laid_record& r, std::uint64_t head) noexcept {
    if (to->refusal) [[unlikely]] {
        return to->queue->refuse(*to->refusal);
    }
    return to->queue->push_text(r, head, monarc::target_of(to));
}

bool push_texts(context_entry* to, const laid_record& r, std::uint64_t head) noexcept {
    if (to->refusal) [[unlikely]] {
        return to->queue->refuse(*to->refusal);
    }
    return to->queue->push_texts(r, head, monarc::target_of(to));
}

bool push_text(gate* to, const laid_record& r, std::uint64_t head) noexcept {
    return queue_of(to).push_text(r, head, 0);
}

bool push_texts(gate* to, const laid_record& r, std::uint64_t head) noexcept {
    return queue_of(to).push_texts(r, head, 0);
}

bool push_text(const gate_and_class* to, const laid_record& r, std::uint64_t head) noexcept {
    auto& queue = queue_of(to->exporter);
    return to->class_number > key_too_long
               ? queue.push_text(r, head, monarc::target_of(to->class_number))
               : queue.refuse(refusal_of_class(to->class_number));
}

bool push_texts(const gate_and_class* to, const laid_record& r, std::uint64_t head) noexcept {
    auto& queue = queue_of(to->exporter);
    return to->class_number > key_too_long
               ? queue.push_texts(r, head, monarc::target_of(to->class_number))
               : queue.refuse(refusal_of_class(to->class_number));
}

bool push_parts(
    const destination_of_push& to,
    std::uint64_t shape,
    const std::string_view* parts,
    std::size_t count) noexcept {
    if (const auto refusal = refusal_of(to)) {
        return queue_of(to.exporter).refuse(*refusal);
    }
    return queue_of(to.exporter).push_parts(shape, target_of(to), to.when, parts, count, to.id);
}

bool push_json(
    const destination_of_push& to, std::uint32_t class_shape, std::string_view text) noexcept {
    auto& queue = queue_of(to.exporter);
    if (const auto refusal = refusal_of(to)) {
        return queue.refuse(*refusal);
    }
    if (class_shape == 0 && to.context == nullptr) {
        return queue.refuse(reason::too_many_names);
    }
    return queue.push_json(target_of(to), to.when, class_shape, text, to.id);
}

bool refuse(const destination_of_push& to, reason why) noexcept {
    return queue_of(to.exporter).refuse(why);
}

} // namespace monarc::detail
