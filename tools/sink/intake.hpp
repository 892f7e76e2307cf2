#pragma once

// Takes whole messages: keeps their events in the store, counts them, and says what to answer.

#include "sink/event_facts.hpp"
#include "sink/forward_message.hpp"
#include "sink/options.hpp"
#include "sink/start_error.hpp"
#include "sink/store.hpp"
#include "sink/summary.hpp"
#include "sink/tally.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::sink {

// Threads: take() from one, the rest from any.
class intake {
public:
    // Opens the store and reads it again.
    // Fails: throws start_error.
    explicit intake(const options& wanted);

    struct refused {
        refusal why = refusal::malformed;
        std::string detail;
    };

    // Takes one message of `raw`. Its answer, if there is one, is appended to `answers`.
    std::optional<refused> take(std::string_view raw, const event_time& now, std::string& answers);

    // Takes what came by REST: records as rest_messages.hpp makes them, from one end point. All are
    // kept, or none. Repeats are stored as such, and counted as nothing else.
    // Returns: what kept the store from being written.
    std::error_code take_rest(
        std::string_view end_point,
        std::span<const std::string> records,
        bool is_repeat,
        const event_time& now);

    // Off: messages are taken and not answered.
    void set_answering(bool on) noexcept { answers_ = on; }

    summary snapshot() const;

    // Counts what happened outside of messages, under the lock that snapshot() takes.
    template <class Change>
    void count(Change change) {
        const std::lock_guard lock(mutex_);
        change(tally_.totals());
    }

    std::uint64_t events() const; ///< Counted so far.

private:
    // One pass over the events of a message tells new from repeat, kept from forgotten. The store
    // and the tally make one each and have to agree.
    struct pass {
        std::uint64_t index = 0;
        std::uint32_t seen = 0;
        std::uint64_t records = 0;
    };

    // Records of one end point.
    struct rest_records {
        std::string_view end_point;
        std::span<const std::string> all;
        bool is_repeat;
        std::string time; ///< As JSON.
        std::size_t lost; ///< Index of the one that is lost on purpose.
    };

    bool restore_line(std::string_view line);
    event_facts facts_of(std::string_view rest_record);
    std::size_t find_lost(std::span<const std::string> records);
    std::error_code keep(const rest_records& records);
    void append_line(std::string& out, const rest_records& from, std::size_t index) const;
    bool is_forgotten(pass& p, const event_facts& facts) const noexcept;
    std::error_code keep(std::uint32_t seen);
    void count_events(std::uint32_t seen);
    void append_line(std::string& out, const event& e, std::uint64_t index, bool repeat) const;
    std::string describe(refusal why) const;

    options options_;
    std::atomic<bool> answers_;
    forward_message message_;
    fact_reader facts_;
    std::string chunk_json_;
    short_key chunk_key_;

    std::mutex taking_; // one message at a time: guards what follows, and is locked before mutex_
    std::string lines_;
    store store_;
    simdjson::dom::parser parser_;

    mutable std::mutex mutex_; // guards tally_
    tally tally_;
};

} // namespace monarc::sink
