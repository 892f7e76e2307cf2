#pragma once

// Sends what a source has to where a target makes records for, as fast as the receiver takes them.

#include "send/confirmer.hpp"
#include "send/console.hpp"
#include "send/progress.hpp"
#include "send/row.hpp"
#include "send/summary.hpp"
#include "send/target.hpp"
#include "send/window.hpp"

#include <monarc/exporter.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace monarc::send {

struct sender_options {
    std::string file{};                                              // as it is shown
    std::uint64_t skip_lines = 0;                                    // which the source passes over
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max(); // records
    std::uint64_t max_bad = std::numeric_limits<std::uint64_t>::max(); // lines
    std::chrono::milliseconds give_up_after{0};                        // 0: never
    std::chrono::milliseconds close_timeout{5'000};                    // after a signal
    std::size_t window_bytes = 0;
    bool shows_progress = true;
    std::function<std::uint64_t()> bytes_read{};
    std::optional<std::uint64_t> bytes_total{};
};

class sender {
public:
    sender(sender_options options, row_source& from, target& to, exporter& through, console& out);

    // Until all is settled, or will not be.
    summary run();

    // Of a source that waits for input. Returns: whether it should go on waiting.
    bool idle();

private:
    using clock = std::chrono::steady_clock;

    ending read_all();
    std::optional<ending> take_row(found what);
    bool report_bad(const std::string& why);
    std::optional<ending> wait_for_room();
    std::optional<ending> push();
    ending settle(ending how);
    void look();
    bool waits_too_long() const;
    void show_progress();
    void show_progress_if_due();

    sender_options options_;
    row_source& from_;
    target& to_;
    exporter& through_;
    console& out_;
    window window_;
    confirmer confirmer_;
    progress progress_;

    row row_;
    std::string why_;
    summary so_far_;
    std::uint64_t rejected_ = 0; // pushes, because the queue was full
    clock::time_point begun_ = clock::now();
    clock::time_point shown_at_ = begun_;
    // Since when nothing was settled while something waited.
    std::uint64_t settled_ = 0;
    clock::time_point settled_at_ = begun_;
    std::uint32_t rows_since_clock_ = 0;
};

} // namespace monarc::send
