#pragma once

// The hand-over: a bounded queue with many producers and one consumer. Each thread has a part of
// its own and is the only writer of it; producers wake nobody, the consumer only who waits for
// room.
//
// A record_queue is never destroyed before the process ends, so that late pushes stay safe;
// `release_storage` gives back the slots once no push can be under way.

#include "core/clock.hpp"
#include "core/context_entry.hpp"
#include "core/record_view.hpp"

#include <monarc/detail/slot.hpp>
#include <monarc/stats.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace monarc::queue {

inline constexpr std::size_t block_slots = 256;
inline constexpr std::size_t block_bytes = block_slots * detail::slot_bytes;
inline constexpr std::size_t share_slots =
    16'384; // what one thread may hold: 16 ms at a million records a second

// Of one record of push_fields: what a payload holds (delivery.md, table on top), with room for
// what stands around the fields.
inline constexpr std::size_t max_fields_bytes = (std::size_t{5} << 20) - 4096;

// The reasons counted at the push, in the order of `reason`.
inline constexpr std::size_t reject_reasons = 5;

struct producer;
struct slot_storage;

// Who takes the records. Called in place: the bytes are gone after the call.
class record_taker {
public:
    virtual void take(queued_record record) noexcept = 0;

protected:
    ~record_taker() = default;
};

struct queue_counts {
    std::uint64_t pushed = 0;
    std::uint64_t accepted = 0;
    std::uint64_t taken = 0;
    std::array<std::uint64_t, reject_reasons> rejected{};
};

class record_queue final : public detail::gate {
public:
    struct settings {
        std::size_t capacity_slots;
        std::size_t memory_limit;
        bool has_destination;
        stamp_clock clock;
        std::chrono::milliseconds block_timeout{0}; // what a push waits for room
    };

    explicit record_queue(const settings& s);
    record_queue(const record_queue&) = delete;
    record_queue& operator=(const record_queue&) = delete;

    // --- producers
    // -------------------------------------------------------------------------------------------------

    // A record that fits one slot: numbers through a handle; with at most one text; with more. An
    // id comes with it if `target` (detail::slot::target) is no context.
    bool
    push_numbers(const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept;
    bool push_text(const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept;
    bool
    push_texts(const detail::laid_record& r, std::uint64_t head, std::uint64_t target) noexcept;

    // A record in parts, too long for one slot or of a size known only now.
    bool push_parts(
        std::uint64_t shape,
        std::uint64_t target,
        std::int64_t when,
        const std::string_view* parts,
        std::size_t count,
        std::string_view id) noexcept;

    // A JSON text, copied to the heap (core/json_block.hpp); nobody else frees it but who takes its
    // record.
    bool push_json(
        std::uint64_t target,
        std::int64_t when,
        std::uint32_t class_shape,
        std::string_view text,
        std::string_view id) noexcept;

    // Fields in the self-described form with what is known of them, the same way; without a class
    // unless `target` says it.
    bool push_fields(
        std::string_view fields,
        std::string_view id,
        const json_facts& facts,
        std::uint64_t target = 0) noexcept;

    // Counts a push that is refused before it reaches a slot.
    bool refuse(reason why) noexcept;

    // Reserves the calling thread's share. Waits for the consumer, at most a second.
    bool warm_up() noexcept;

    // A thread that takes records must not wait for room: nobody else would make any. Nor may it
    // for another queue's, whose consumer may be waiting for this one.
    static void never_wait_on_this_thread() noexcept;

    stamp_clock clock() const noexcept { return clock_; }

    // --- the consumer
    // ----------------------------------------------------------------------------------------------

    // One pass over all producers. A producer whose last record is younger than `newest` is left
    // alone; of the others at most `max_slots` each are taken. Returns: the youngest stamp up to
    // which nothing that was visible is missing.
    std::uint64_t drain(record_taker& to, std::uint64_t newest, std::size_t max_slots) noexcept;

    // After shut(): lets go of what is still there, without a look at it. Returns: how many
    // records.
    std::uint64_t discard() noexcept;

    // Whether drain() and take_released() would find nothing; cheap enough for every poll.
    bool is_empty() const noexcept;

    // Contexts that were closed, or whose last handle is gone, since the last call. The latter are
    // the caller's to delete once everything up to now was taken.
    struct released_context {
        detail::context_entry* entry;
        bool has_no_handle;
    };
    std::vector<released_context> take_released() noexcept;

    std::size_t producer_count() noexcept;

    // From how many of them the next pass will take something, as far as that is known.
    std::size_t due_producer_count() const noexcept;

    // Texts of push_json that nobody has taken.
    bool holds_json() const noexcept { return json_bytes_.load(std::memory_order_relaxed) != 0; }

    // Bytes held by the pool, the blocks that were added, and JSON texts.
    std::size_t memory_bytes() const noexcept;
    std::uint64_t blocks_added() const noexcept {
        return blocks_added_.load(std::memory_order_relaxed);
    }

    // What the rest of the exporter holds, for the decision whether a block may be added.
    void set_other_memory(std::size_t bytes) noexcept {
        if (other_memory_.exchange(bytes, std::memory_order_relaxed) > bytes) {
            wake_waiting();
        }
    }

    // Records accepted so far are all in the counts; a push under way is in none of them.
    queue_counts counts() noexcept;

    // --- life
    // ------------------------------------------------------------------------------------------------------

    // New pushes are rejected(closed), and those that wait for room. When it returns, no push that
    // was accepted is still under way.
    void shut() noexcept;
    bool is_open() const noexcept {
        return state_.load(std::memory_order_acquire) <= state::aimless;
    }

    // After shut() and the last drain. A JSON text that is still there is never freed.
    void release_storage() noexcept;

    void release(detail::context_entry* entry) noexcept;
    void close(detail::context_entry* entry) noexcept;

    // The numbers of the sockets that a forked child must close, -1 for none.
    static constexpr std::size_t max_descriptors = 7;
    std::span<std::atomic<int>, max_descriptors> descriptors() noexcept { return descriptors_; }

    // Puts the queues' handlers for fork() in place. Whoever makes queues under a lock of his own
    // that his handlers take calls it before he registers those: handlers that were registered
    // last take their locks first.
    static void handle_forks();

    // In the child of a fork every exporter of the parent is inert (D-9.8).
    bool is_inert() const noexcept {
        return state_.load(std::memory_order_relaxed) == state::inert;
    }

private:
    friend struct thread_producers;
    friend struct all_queues;

    // timed: open, with the system's clock; aimless: no destination
    enum class state : std::uint32_t { open, timed, aimless, shut, inert };
    static constexpr bool takes_records(state s) noexcept { return s <= state::timed; }

    template <class Parts>
    bool push_one(Parts parts) noexcept;
    template <class Parts>
    bool push_slowly(Parts parts) noexcept;
    template <class Parts>
    bool add_block_and_enqueue_one(producer& p, Parts parts) noexcept;
    template <class Parts>
    bool push_later(producer& p, Parts parts) noexcept;
    template <class Attempt>
    bool wait_for_room(producer& p, std::unique_lock<std::mutex>& held, Attempt attempt) noexcept;
    void wake_waiting() noexcept;
    bool add_block_and_enqueue(producer& p, const detail::slot* slots, std::size_t count) noexcept;
    template <class Enqueue>
    bool with_one_more_block(Enqueue&& enqueue) noexcept;
    bool is_within_limit(std::size_t added_blocks, std::size_t json_bytes) const noexcept {
        return pool_bytes_ + added_blocks * block_bytes + json_bytes +
                   other_memory_.load(std::memory_order_relaxed) <=
               memory_limit_;
    }
    reason refusal() const noexcept;
    bool is_ahead(const producer& p) const noexcept;

    bool push_block(
        std::uint64_t target,
        std::int64_t when,
        std::string_view content,
        std::string_view id,
        const json_facts& facts,
        bool is_read) noexcept;
    bool tell(detail::context_entry* entry, bool has_no_handle) noexcept;
    void remember();
    producer* acquire_producer();
    void give_back(producer& p) noexcept;
    producer* new_producer();

    std::atomic<state> state_;
    stamp_clock clock_;
    std::size_t pool_bytes_;
    std::size_t memory_limit_;
    std::chrono::milliseconds block_timeout_;
    std::atomic<slot_storage*> storage_{nullptr};
    std::atomic<std::uint64_t> blocks_added_{0};
    std::atomic<std::size_t> other_memory_{0};
    std::atomic<std::size_t> json_bytes_{0};

    std::mutex lock_; // registration of threads, contexts; pushes of threads that are ending
    std::vector<std::unique_ptr<producer>> producers_;
    std::vector<producer*> idle_;
    producer* late_ = nullptr; // shared, under lock_: for threads whose own part is gone
    std::atomic<std::size_t> published_producers_{0};
    std::vector<producer*> known_; // the consumer's copy of producers_
    std::size_t first_ = 0;        // where the next pass begins
    // What drain() returned, if a thread was behind.
    std::uint64_t complete_before_ = std::numeric_limits<std::uint64_t>::max();

    std::array<std::atomic<int>, max_descriptors> descriptors_{-1, -1, -1, -1, -1, -1, -1};

    std::mutex released_lock_;
    std::atomic<bool> any_released_{false};
    bool is_drained_ = false;
    std::vector<released_context> released_;

    // Pushes that wait for room; a line of its own, because the consumer looks at it in each pass.
    struct alignas(64) {
        std::atomic<std::uint32_t> count{0};
        std::atomic<std::uint32_t> wakes{0}; // what they sleep on: grows with each call to them
    } waiting_;
};

} // namespace monarc::queue
