#pragma once

// One destination's ordered list of payloads: what to send when, and what an answer means. Decides,
// does not act: time, random numbers and outcomes come in.
//
// Threads: one.

#include "core/outcome.hpp"
#include "core/payload.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <utility>

namespace monarc::delivery {

using time_point = std::chrono::steady_clock::time_point;

struct delivery_settings {
    retry_options retry{};
    std::size_t max_in_flight = 8; // on one connection
    // What is in flight cannot be dropped when memory is short; one payload always may go.
    std::size_t max_in_flight_bytes = std::size_t{8} << 20;
    // In order over one connection: what was in flight together fails together, and is delivered
    // when all before it are (D-5.4). Else each payload is alone.
    bool is_ordered = true;
    std::size_t max_payload_bytes = std::size_t{5} << 20; // what working_bytes() begins with
};

// Terminal states and the way there, in records where the name does not say otherwise.
struct delivery_counts {
    std::uint64_t delivered = 0, delivered_unacked = 0;
    reason_counts dead, dropped, dropped_bytes;
    std::uint64_t payloads = 0, attempts = 0, retries = 0, late_answers = 0, splits = 0;
    std::uint64_t payload_bytes = 0, wire_bytes = 0;
};

class delivery_list {
public:
    explicit delivery_list(const delivery_settings& settings);

    // Takes a sealed payload.
    void append(payload&& sealed, time_point now);

    // One payload to write now. It is shared, because an attempt that was given up may still be
    // reading it when the list has let it go.
    struct attempt {
        std::uint64_t number = 0;
        std::shared_ptr<const payload> what;
    };
    std::optional<attempt> next(time_point now);

    // Whether an attempt was not given up in the meantime.
    bool is_in_flight(std::uint64_t attempt) const noexcept;

    // The outcome of an attempt. One that was given up in the meantime is counted late and changes
    // nothing (D-3.4). `uniform` in [0, 1). Returns: whether it counts.
    bool done(std::uint64_t attempt, const outcome& result, time_point now, double uniform);

    // A payload that alone makes the receiver fail (D-7.6) or is too large for it (D-7.1); the
    // caller cuts it and says so, or says that it cannot.
    const payload* to_split() const noexcept;
    void split_done(std::array<payload, 2>&& halves);
    void split_failed();

    // D-7.1: bytes of a payload before compression that the receiver is known to take.
    std::size_t working_bytes() const noexcept { return working_bytes_; }

    // dropped(expired), by retry.max_age.
    void expire(time_point now);

    // The oldest that is not in flight. Returns: false if there is none.
    bool drop_oldest(reason why);
    void drop_all(reason why);

    // Cuts the running wait short.
    void retry_now() noexcept { wait_until_ = time_point::min(); }

    bool is_empty() const noexcept { return items_.empty(); }
    bool is_waiting(time_point now) const noexcept { return now < wait_until_; }
    std::chrono::milliseconds wait() const noexcept { return wait_; }
    int level() const noexcept { return level_; }
    health state() const noexcept;

    std::uint64_t ready_records() const noexcept { return records_ - in_flight_records_; }
    std::uint64_t in_flight_records() const noexcept { return in_flight_records_; }
    std::size_t memory_bytes() const noexcept { return memory_bytes_; }
    const delivery_counts& counts() const noexcept { return counts_; }

    // Whether a payload with class messages was lost since the last call.
    bool take_lost_class_messages() noexcept { return std::exchange(lost_class_messages_, false); }

    // --- what becomes of everything sealed so far: for flush ---
    struct settled {
        std::uint64_t delivered = 0, delivered_unacked = 0, dead = 0, dropped = 0;
    };
    class watch {
    public:
        const settled& counts() const noexcept { return counts_; }

    private:
        friend class delivery_list;
        std::uint64_t last_sequence_ = 0;
        settled counts_;
    };
    // The watch must stay where it is until it is ended. It begins with the totals of now.
    void begin(watch& w);
    bool is_over(const watch& w) const noexcept;
    std::uint64_t pending(const watch& w) const noexcept;
    void end(const watch& w) noexcept;

private:
    enum class item_state : std::uint8_t { ready, in_flight, acked };

    struct item {
        std::shared_ptr<const payload> what;
        std::uint64_t sequence;
        time_point sealed_at;
        std::uint64_t attempt = 0; // number of the running one
        std::uint64_t epoch = 0;   // of failures, when it began
        bool is_too_large = false;
        std::uint32_t attempts = 0;
        std::uint32_t strikes =
            0; // connections in a row that failed after this, the first undelivered, was written
        std::uint32_t passed_by = 0; // times in a row that another passed while this one failed
        item_state state = item_state::ready;
    };
    using iterator = std::list<item>::iterator;

    iterator
    settle(iterator one, std::uint64_t delivery_counts::*to, std::uint64_t settled::*to_watch);
    iterator lose(
        iterator one,
        reason_counts delivery_counts::*to,
        std::uint64_t settled::*to_watch,
        reason why);
    iterator remove(iterator one);
    void set_state(item& one, item_state to);
    void succeeded(iterator one, bool acknowledged);
    void failed(iterator one, const outcome& result, time_point now, double uniform);
    void again(iterator one, time_point now, double uniform);
    void back_off(const outcome& result, time_point now, double uniform);
    void wait_as_asked(const outcome& result, time_point now, double uniform);
    void back_to_ready();
    void judge_front(bool was_written);
    std::list<item>::const_iterator item_to_split() const noexcept;

    delivery_settings settings_;
    std::list<item> items_;
    delivery_counts counts_;
    std::uint64_t last_sequence_ = 0;
    std::uint64_t last_attempt_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t in_flight_records_ = 0;
    std::size_t in_flight_payloads_ = 0;
    std::size_t in_flight_bytes_ = 0;
    std::size_t memory_bytes_ = 0;

    int level_ = 0;
    int failures_ = 0;        // in a row
    std::uint64_t epoch_ = 1; // payloads that were in flight together fail once together
    double immediate_sends_ = most_immediate_sends; // D-6.5
    static constexpr double most_immediate_sends = 10.0;
    std::size_t working_bytes_;
    int delivered_since_growth_ = 0;
    bool is_probing_ = false; // one at a time until one was delivered
    std::chrono::milliseconds wait_{0};
    time_point wait_until_ = time_point::min();

    enum class suspicion : std::uint8_t { none, test_another, split };
    suspicion suspicion_ = suspicion::none;
    std::size_t too_large_ = 0;   // of items_
    std::uint64_t detour_ = 0;    // the attempt that tests whether another payload passes
    std::size_t next_detour_ = 0; // which one it takes: what failed as well may be poisoned too
    bool has_passed_since_cut_ = true;
    bool lost_class_messages_ = false;
    std::deque<watch*> watches_;
};

} // namespace monarc::delivery
