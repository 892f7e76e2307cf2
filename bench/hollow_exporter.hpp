#pragma once

// An exporter without an I/O thread, in front of a queue that the program drains itself: what is
// timed is the inline half of the public headers and the library's calls, and nothing else runs.

#include "core/clock.hpp"
#include "queue/record_queue.hpp"

#include <monarc/monarc.hpp>

#include <cstdint>

namespace monarc::bench {

// Counts what it is given.
class counting_taker final : public queue::record_taker {
public:
    void take(queued_record record) noexcept override {
        ++count;
        bytes += record.content_bytes();
    }

    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
};

class hollow_exporter {
public:
    explicit hollow_exporter(stamp_clock clock = {.counter = counter_is_usable()});
    ~hollow_exporter(); // no push may be under way
    hollow_exporter(const hollow_exporter&) = delete;
    hollow_exporter& operator=(const hollow_exporter&) = delete;

    exporter& face() noexcept { return face_; }
    queue::record_queue& queue() noexcept { return queue_; }

    // Everything that was pushed before the call; returns how many records.
    std::uint64_t drain() noexcept;
    // Where push_json was used: its texts want to be freed, which the others' figures need not
    // bear.
    void drain_texts() noexcept;

private:
    queue::record_queue& queue_; // never destroyed, as in the library
    std::error_code closed_;
    exporter face_;
    counting_taker taker_;
};

} // namespace monarc::bench
