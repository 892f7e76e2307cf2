#pragma once

// One destination's ordered list of payloads: what to send when, and what an answer means. Decides,
// does not act: time, random numbers and outcomes come in.
//
// Threads: one.

#include "core/outcome.hpp"
#include "core/payload.hpp"
#include "delivery/splitting.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

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

// Why a payload is to be cut in two.
enum class cut_reason : std::uint8_t {
    none,
    too_large, // for the receiver (D-7.1)
    refused,   // for an entry that it holds (D-7.2)
    poison,    // it may be what makes the receiver fail (D-7.3, D-7.6)
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

    // The outcome of an attempt. One that was given up in the meantime is counted late and changes
    // nothing (D-3.4). `uniform` in [0, 1). Returns: whether it counts.
    bool done(std::uint64_t attempt, const outcome& result, time_point now, double uniform);

    // A payload that is to be cut; the caller does and says so, or says that it cannot.
    const payload* to_split() const noexcept;
    cut_reason why_split() const noexcept;
    void split_done(std::array<payload, 2>&& halves);
    void split_failed();

    // Whether parts of a refused payload are still being tried.
    bool is_searching() const noexcept { return parts_of_searches_ != 0; }

    // A payload that the receiver wants without gzip; the same way.
    const payload* to_send_plain() const noexcept;
    void plain_done(payload&& plain);
    void plain_failed();

    // D-7.1: bytes of a payload before compression that the receiver is known to take.
    std::size_t working_bytes() const noexcept { return working_bytes_; }

    // dropped(expired), by retry.max_age.
    void expire(time_point now);

    // The oldest that is not in flight. Returns: false if there is none.
    bool drop_oldest(reason why);
    void drop_all(reason why);

    // Cuts the running wait short.
    void retry_now() noexcept { wait_until_ = asked_until_ = time_point::min(); }
    // All of it that the peer has not asked for (D-9.2).
    void cut_backoff() noexcept { wait_until_ = asked_until_; }

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

    // D-7.2: of a payload that was refused and all its parts.
    struct search {
        std::uint32_t attempts = 1; // that asked which part holds the fault
        bool is_over() const noexcept { return attempts >= most_attempts_of_a_search; }
    };
    static constexpr std::uint32_t most_attempts_of_a_search = 256;

    // Before its turn, to be compared with a suspect.
    struct detours {
        std::uint32_t failed = 0;
        std::uint32_t passed = 0;
        auto operator<=>(const detours&) const = default;
    };
    struct item {
        std::shared_ptr<const payload> what;
        std::uint64_t sequence;
        time_point sealed_at;
        std::uint64_t attempt = 0; // number of the running one
        std::uint64_t epoch = 0;   // of failures, when it began
        cut_reason to_cut = cut_reason::none;
        bool to_send_plain = false;
        std::shared_ptr<search> searched{}; // of its parts all share one
        item* twin = nullptr;               // the other half, until something is known of the first
        bool waits_for_twin = false;        // the second half
        detours as_detour{};
        std::uint32_t attempts = 0;
        symptom suffers = symptom::none;
        std::uint32_t strikes = 0;   // failures in a row with that symptom
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
    void passed() noexcept;
    void
    settle(iterator one, const outcome& result, bool was_detour, time_point now, double uniform);
    void succeeded(iterator one, bool acknowledged);
    void
    failed(iterator one, const outcome& result, bool was_detour, time_point now, double uniform);
    void settle_in_part(iterator one, const std::vector<std::uint32_t>& refused);
    void at_once(iterator one, const outcome& result, time_point now, double uniform);
    void refused(iterator one);
    void give_up_search(const std::shared_ptr<search>& searched);
    void lose_uncertain(iterator one, const outcome& result, time_point now, double uniform);
    void mark_to_cut(item& one, cut_reason why) noexcept;
    static void release_twin(item& one) noexcept;
    static bool may_go(const item& one) noexcept;
    void back_off(const outcome& result, time_point now, double uniform);
    void wait_as_asked(const outcome& result, time_point now, double uniform);
    void wait_for_size(iterator one, const outcome& result, time_point now, double uniform);
    void back_to_ready();
    void tell_watches(const item& one, std::uint64_t settled::*to, std::uint64_t records) noexcept;
    void strike(item& one, symptom how);
    iterator other_than_suspect() noexcept;
    bool compare_with_suspect(iterator other, verdict what);
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
    int failures_ = 0; // in a row
    failure last_failure_ = failure::network;
    std::uint64_t epoch_ = 1; // payloads that were in flight together fail once together
    double immediate_sends_ = most_immediate_sends; // D-6.5
    static constexpr double most_immediate_sends = 10.0;
    std::size_t working_bytes_;
    int delivered_since_growth_ = 0;
    bool is_probing_ = false; // one at a time until one was delivered
    std::chrono::milliseconds wait_{0};
    time_point wait_until_ = time_point::min();
    time_point asked_until_ = time_point::min(); // by the peer, with Retry-After

    std::size_t to_cut_ = 0; // of items_
    std::size_t to_send_plain_ = 0;
    std::size_t parts_of_searches_ = 0;
    item* suspect_ = nullptr;          // waits until it is known whether another payload passes
    std::uint64_t detour_ = 0;         // the attempt that finds that out
    bool has_passed_since_cut_ = true; // else nothing more is cut for being poison
    bool lost_class_messages_ = false;
    std::deque<watch*> watches_;
};

} // namespace monarc::delivery
