#include "queue/record_queue.hpp"

#include <concurrentqueue/concurrentqueue.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
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

constexpr std::uint64_t
head_of(std::uint64_t shape, std::size_t body_bytes, std::size_t id_bytes) noexcept {
    return shape | static_cast<std::uint64_t>(body_bytes) << 32 |
           static_cast<std::uint64_t>(id_bytes) << 48;
}
constexpr std::size_t body_bytes_of(std::uint64_t head) noexcept {
    return head >> 32 & 0xffff;
}
constexpr std::size_t id_bytes_of(std::uint64_t head) noexcept {
    return head >> 48;
}

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

// A slot inside the queue. On the stack it only says where the parts are, so that they stay in
// registers until the queue has found the place to build it. Only the cache lines in use are
// written: a usual push touches one or two of three. Of a slot whose id comes with the push,
// `target` says where the caller keeps that id; in the queue the id itself stands in the body.
struct queued_slot : slot {
    [[gnu::always_inline]] queued_slot(
        const slot& source,
        std::uint64_t its_head,
        std::uint64_t its_target,
        std::uint64_t its_stamp) noexcept {
        head = its_head;
        target = its_target;
        stamp = its_stamp;
        const auto* const at = &source;
        std::memcpy(body, &at, sizeof at);
    }
    [[gnu::always_inline]] queued_slot(const queued_slot& from) noexcept : queued_slot() {
        constexpr std::size_t line = 64;
        constexpr std::size_t body_of_line = line - detail::slot_header_bytes;
        const slot* source = nullptr;
        std::memcpy(&source, from.body, sizeof source);
        const auto id_bytes = id_bytes_of(from.head);
        head = from.head;
        target = id_bytes != 0 ? 0 : from.target;
        stamp = from.stamp;
        when = source->when;
        copy_words(
            body, source->body, std::make_index_sequence<body_of_line / sizeof(std::uint64_t)>{});
        const auto used = body_bytes_of(from.head);
        if (used > body_of_line) {
            std::memcpy(body + body_of_line, source->body + body_of_line, line);
            if (used > body_of_line + line) {
                std::memcpy(body + body_of_line + line, source->body + body_of_line + line, line);
            }
        }
        if (id_bytes != 0) {
            detail::copy_text(body + used, reinterpret_cast<const char*>(from.target), id_bytes);
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
        auto* const memory = static_cast<volatile char*>(std::malloc(bytes));
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

    alignas(64) std::atomic<std::uint64_t> pushed{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> sent_slots{0};
    std::uint64_t limit_slots =
        share_slots; // sent_slots may grow up to here before `consumed_slots` is read again
    record_queue* const queue;
    slot_queue* slots = nullptr; // while the queue is open
    producer* next_of_thread = nullptr;
    std::optional<moodycamel::ProducerToken> token;

    alignas(64) std::array<std::atomic<std::uint64_t>, reject_reasons> rejected{};

    alignas(64) std::atomic<std::uint64_t> consumed_slots{0};
    std::uint64_t taken = 0;
    std::uint64_t last_stamp = 0;
    std::size_t chain_missing = 0; // bytes of a long record whose other slots have not come yet
    std::uint64_t chain_head = 0;
    std::unique_ptr<unsigned char[]> chain;
    std::size_t chain_bytes = 0;
};

// A thread's producers, one for each exporter that it pushed to. The pointer is plain and
// constant-initialised, so that reading it costs one instruction; the object with the destructor is
// touched on the slow path only.
namespace {
constinit thread_local producer* current __attribute__((tls_model("initial-exec"))) = nullptr;
constinit thread_local bool thread_is_ending __attribute__((tls_model("initial-exec"))) = false;
} // namespace

struct thread_producers {
    producer* first = nullptr;

    thread_producers() = default;
    thread_producers(const thread_producers&) = delete;
    thread_producers& operator=(const thread_producers&) = delete;
    ~thread_producers() {
        thread_is_ending = true;
        current = nullptr;
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
    : state_(s.has_destination ? state::open : state::aimless), clock_(s.clock),
      pool_bytes_(s.capacity_slots * detail::slot_bytes), memory_limit_(s.memory_limit) {
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
    return false;
}

// Whether `count` more slots fit the thread's share; reads the consumer's counter only when the
// credit is used up.
[[gnu::noinline, gnu::cold]] bool renew_credit(producer& p, std::size_t count) noexcept {
    p.limit_slots = p.consumed_slots.load(std::memory_order_acquire) + share_slots;
    return p.sent_slots.load(std::memory_order_relaxed) + count <= p.limit_slots;
}

} // namespace

// The only caller of the queue's try_enqueue for one slot, so that the compiler puts it in here:
// the call and the registers it would save are a tenth of a push.
bool record_queue::push(slot& s, std::uint64_t head, std::uint64_t target) noexcept {
    if (current == nullptr || current->queue != this) [[unlikely]] {
        return push_slowly(s, head, target);
    }
    auto& p = *current;
    // Counted before the gate is read: shut() waits until every push that was counted is accounted
    // for.
    bump(p.pushed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (state_.load(std::memory_order_acquire) != state::open) [[unlikely]] {
        return reject(p, refusal());
    }
    const auto sent = p.sent_slots.load(std::memory_order_relaxed);
    if (sent >= p.limit_slots && !renew_credit(p, 1)) [[unlikely]] {
        return reject(p, reason::queue_full);
    }
    const auto stamp = clock_.now();
    if (!p.slots->try_enqueue(*p.token, queued_slot(s, head, target, stamp)) &&
        !add_block_and_enqueue_one(p, s, head, target, stamp)) [[unlikely]] {
        return reject(p, reason::queue_full);
    }
    p.sent_slots.store(sent + 1, std::memory_order_release);
    bump(p.accepted);
    return true;
}

[[gnu::noinline, gnu::cold]] bool record_queue::add_block_and_enqueue_one(
    producer& p,
    const slot& s,
    std::uint64_t head,
    std::uint64_t target,
    std::uint64_t stamp) noexcept {
    if (!may_add_blocks(1) || !p.slots->enqueue(*p.token, queued_slot(s, head, target, stamp))) {
        return false;
    }
    blocks_added_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

[[gnu::noinline, gnu::cold]] bool
record_queue::push_slowly(slot& s, std::uint64_t head, std::uint64_t target) noexcept {
    if (acquire_producer() != nullptr) {
        return push(s, head, target);
    }
    const std::string_view body(reinterpret_cast<const char*>(s.body), body_bytes_of(head));
    const auto id_bytes = id_bytes_of(head);
    return push_parts(
        static_cast<std::uint32_t>(head),
        id_bytes != 0 ? nullptr : reinterpret_cast<detail::context_entry*>(target),
        s.when,
        &body,
        1,
        {id_bytes != 0 ? reinterpret_cast<const char*>(target) : nullptr, id_bytes});
}

bool record_queue::push_parts(
    std::uint64_t shape,
    detail::context_entry* context,
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

    const auto push_chain = [&](producer& p) noexcept {
        bump(p.pushed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (state_.load(std::memory_order_acquire) != state::open) {
            return reject(p, refusal());
        }
        const auto sent = p.sent_slots.load(std::memory_order_relaxed);
        if (sent + slots_needed > p.limit_slots && !renew_credit(p, slots_needed)) {
            return reject(p, reason::queue_full);
        }
        chain[0].stamp = clock_.now();
        chain[0].head = head_of(shape, body_bytes, id.size());
        chain[0].target = reinterpret_cast<std::uint64_t>(context);
        if (!add_block_and_enqueue(p, chain, slots_needed)) {
            return reject(p, reason::queue_full);
        }
        p.sent_slots.store(sent + slots_needed, std::memory_order_release);
        bump(p.accepted);
        return true;
    };
    if (auto* const p = current; p != nullptr && p->queue == this) {
        return push_chain(*p);
    }
    if (auto* const p = acquire_producer()) {
        return push_chain(*p);
    }
    const std::lock_guard guard(lock_);
    return push_chain(*late_);
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
    if (may_add_blocks(1) && queue.enqueue_bulk(*p.token, chain_iterator{slots}, count)) {
        blocks_added_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
#pragma GCC diagnostic pop
    return false;
}

bool record_queue::may_add_blocks(std::size_t blocks) noexcept {
    return memory_bytes() + blocks * block_bytes + other_memory_.load(std::memory_order_relaxed) <=
           memory_limit_;
}

bool record_queue::refuse(reason why) noexcept {
    const auto count = [&](producer& p) noexcept {
        bump(p.pushed);
        return reject(p, state_.load(std::memory_order_relaxed) == state::open ? why : refusal());
    };
    if (auto* const p = current; p != nullptr && p->queue == this) {
        return count(*p);
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
        while (p->consumed_slots.load(std::memory_order_acquire) !=
               p->sent_slots.load(std::memory_order_relaxed)) {
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
        bump(p->pushed); // shut() waits for this as for a push, so that the storage stays
        std::atomic_signal_fence(std::memory_order_seq_cst);
        bool has_room = is_open();
        const auto begun = p->sent_slots.load(std::memory_order_relaxed);
        auto sent = begun;
        for (std::size_t i = 0; i < wanted && has_room; ++i) {
            has_room = add_block_and_enqueue(*p, &nothing, 1);
            sent += has_room ? 1 : 0;
        }
        // The consumer looks only where sent_slots has moved; if a pass was under way all the same,
        // once more.
        reserved = p->consumed_slots.load(std::memory_order_acquire) == begun;
        p->sent_slots.store(sent, std::memory_order_release);
        bump(p->pushed, ~std::uint64_t{0});
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
            return one->consumed_slots.load(std::memory_order_acquire) ==
                   one->sent_slots.load(std::memory_order_relaxed);
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
    current = p;
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
    in_place_taker operator++(int) noexcept { return *this; }

    in_place_taker& operator=(queued_slot&& s) noexcept {
        auto& p = *producer_;
        if (p.chain_missing != 0) {
            take_rest(p, s);
        } else if (s.head != 0) {
            take_first(p, s);
        }
#if defined(__SANITIZE_THREAD__)
        __tsan_release(&s);
#endif
        return *this;
    }

private:
    void take_first(producer& p, const slot& s) noexcept {
        const auto bytes = body_bytes_of(s.head) + id_bytes_of(s.head);
        p.last_stamp = std::max(p.last_stamp, s.stamp); // never backwards within a thread
        if (bytes <= detail::slot_body_bytes) [[likely]] {
            hand_over(p, s.head, s.target, s.when, s.body);
            return;
        }
        if (p.chain == nullptr) {
            p.chain.reset(new (std::nothrow) unsigned char[sizeof(slot) * detail::max_chain_slots]);
        }
        p.chain_head = s.head;
        p.chain_missing = bytes - detail::slot_body_bytes;
        keep(p, reinterpret_cast<const unsigned char*>(&s), detail::slot_bytes, 0);
        p.chain_bytes = detail::slot_bytes;
    }

    void take_rest(producer& p, const slot& s) noexcept {
        const auto part = std::min(p.chain_missing, detail::slot_bytes);
        keep(p, reinterpret_cast<const unsigned char*>(&s), part, p.chain_bytes);
        p.chain_bytes += part;
        p.chain_missing -= part;
        if (p.chain_missing == 0) {
            if (p.chain == nullptr) {
                ++p.taken; // no memory for it: the taker is told of a record without content
                to_->take(
                    {.shape = 0,
                     .stamp = p.last_stamp,
                     .when = 0,
                     .context = nullptr,
                     .body = {},
                     .id = {}});
                return;
            }
            slot first;
            std::memcpy(&first, p.chain.get(), detail::slot_header_bytes);
            hand_over(
                p, first.head, first.target, first.when, p.chain.get() + detail::slot_header_bytes);
        }
    }

    static void
    keep(producer& p, const unsigned char* from, std::size_t bytes, std::size_t at) noexcept {
        if (p.chain != nullptr) {
            std::memcpy(p.chain.get() + at, from, bytes);
        }
    }

    void hand_over(
        producer& p,
        std::uint64_t head,
        std::uint64_t target,
        std::int64_t when,
        const unsigned char* content) noexcept {
        const auto* const text = reinterpret_cast<const char*>(content);
        const auto body_bytes = body_bytes_of(head);
        ++p.taken;
        to_->take(
            {.shape = static_cast<std::uint32_t>(head),
             .stamp = p.last_stamp,
             .when = when,
             .context = reinterpret_cast<detail::context_entry*>(target),
             .body = {text, body_bytes},
             .id = {text + body_bytes, id_bytes_of(head)}});
    }

    producer* producer_;
    record_taker* to_;
};

} // namespace

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
    const auto count = known_.size();
    first_ = count == 0 ? 0 : (first_ + 1) % count;
    for (std::size_t i = 0; i < count; ++i) {
        auto& p = *known_[i + first_ < count ? i + first_ : i + first_ - count];
        auto consumed = p.consumed_slots.load(std::memory_order_relaxed);
        if (p.sent_slots.load(std::memory_order_acquire) == consumed) {
            continue;
        }
        // Ahead of a thread that is behind: what it has could not be used before that one's.
        if (p.last_stamp > complete_before_ && p.chain_missing == 0) {
            complete_up_to = std::min(complete_up_to, p.last_stamp);
            continue;
        }
        std::size_t left = max_slots;
        std::size_t got = 0;
        while (left != 0 && (p.last_stamp <= newest || p.chain_missing != 0)) {
            got = storage->slots.try_dequeue_bulk_from_producer(
                *p.token, in_place_taker(p, to), std::min(left, block_slots));
            consumed += got;
            p.consumed_slots.store(consumed, std::memory_order_release);
            left -= std::min(left, got);
            if (got < block_slots) {
                break;
            }
        }
        if (left == 0 || p.last_stamp > newest) {
            complete_up_to = std::min(complete_up_to, p.last_stamp);
        }
    }
    constexpr auto nobody_is_behind = std::numeric_limits<std::uint64_t>::max();
    complete_before_ = complete_up_to < newest ? complete_up_to : nobody_is_behind;
    return complete_up_to;
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

std::size_t record_queue::memory_bytes() const noexcept {
    return pool_bytes_ + blocks_added_.load(std::memory_order_relaxed) * block_bytes;
}

queue_counts record_queue::counts() noexcept {
    queue_counts sum;
    const std::lock_guard guard(lock_);
    for (const auto& one : producers_) {
        const auto& p = *one;
        std::array<std::uint64_t, reject_reasons> rejected{};
        std::uint64_t accepted = 0;
        std::uint64_t pushed = 0;
        // `pushed` moves first, `accepted` or `rejected` last: they agree unless a push is under
        // way.
        for (int tries = 0; tries < 1000; ++tries) {
            accepted = p.accepted.load(std::memory_order_acquire);
            auto settled = accepted;
            for (std::size_t i = 0; i < reject_reasons; ++i) {
                rejected[i] = p.rejected[i].load(std::memory_order_acquire);
                settled += rejected[i];
            }
            pushed = p.pushed.load(std::memory_order_acquire);
            if (pushed == settled && accepted == p.accepted.load(std::memory_order_acquire)) {
                break;
            }
            if (tries == 999) {
                // Its thread was stopped in the middle, or never stands still. A push counts as
                // soon as its slot was taken, else when it is over.
                settled += p.taken > accepted ? p.taken - accepted : 0;
                accepted = std::max(accepted, p.taken);
                pushed = std::min(pushed, settled);
            }
        }
        sum.pushed += pushed;
        sum.accepted += accepted;
        sum.taken += p.taken;
        for (std::size_t i = 0; i < reject_reasons; ++i) {
            sum.rejected[i] += rejected[i];
        }
    }
    return sum;
}

// --- life
// ----------------------------------------------------------------------------------------------------------

void record_queue::shut() noexcept {
    for (auto expected : {state::open, state::aimless}) {
        state_.compare_exchange_strong(expected, state::shut);
    }
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
        const auto begun = p->pushed.load(std::memory_order_acquire);
        const auto settled = [&] {
            auto sum = p->accepted.load(std::memory_order_acquire);
            for (const auto& one : p->rejected) {
                sum += one.load(std::memory_order_acquire);
            }
            return sum;
        };
        // Both counters move after the slot was published or refused; of warm_up, which is no push,
        // `pushed` goes back by one.
        while (settled() < std::min(begun, p->pushed.load(std::memory_order_acquire))) {
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
    if (entry->closed_at.compare_exchange_strong(open, clock_.now())) {
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
            if (const int fd = q->descriptor_.exchange(-1, std::memory_order_relaxed); fd >= 0) {
                ::close(fd); // the parent's connection goes on
            }
        }
        in_parent();
    }
};

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
} // namespace

bool push_context(
    context_entry* to, slot& s, std::uint64_t shape, std::size_t body_bytes) noexcept {
    if (to->refusal) [[unlikely]] {
        return to->queue->refuse(*to->refusal);
    }
    return to->queue->push(
        s,
        shape | static_cast<std::uint64_t>(body_bytes) << 32,
        reinterpret_cast<std::uint64_t>(to));
}

bool push_id(
    gate* to,
    slot& s,
    std::uint64_t shape,
    std::size_t body_bytes,
    const char* id,
    std::size_t id_bytes) noexcept {
    return queue_of(to).push(
        s,
        shape | static_cast<std::uint64_t>(body_bytes) << 32 |
            static_cast<std::uint64_t>(id_bytes) << 48,
        id_bytes != 0 ? reinterpret_cast<std::uint64_t>(id) : 0);
}

bool push_parts(
    const destination_of_push& to,
    std::uint64_t shape,
    const std::string_view* parts,
    std::size_t count) noexcept {
    if (to.context != nullptr && to.context->refusal) {
        return to.context->queue->refuse(*to.context->refusal);
    }
    return queue_of(to.exporter).push_parts(shape, to.context, to.when, parts, count, to.id);
}

bool refuse(const destination_of_push& to, reason why) noexcept {
    return queue_of(to.exporter).refuse(why);
}

} // namespace monarc::detail
