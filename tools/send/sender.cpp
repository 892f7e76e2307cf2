#include "send/sender.hpp"

#include "send/bad_line.hpp"
#include "send/stop_signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace monarc::send {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t rows_between_clocks = 512;
constexpr auto bar_interval = 100ms;
constexpr auto line_interval = 5s;
constexpr auto room_interval = 2ms;
constexpr auto settle_interval = 5ms;

std::uint64_t pending_of(const exporter_stats& s) {
    std::uint64_t most = 0;
    for (const auto& d : s.destinations) {
        most = std::max(most, d.pending);
    }
    return most;
}

std::uint64_t acknowledged_of(const exporter_stats& s) {
    std::uint64_t records = 0;
    for (const auto& d : s.destinations) {
        records += d.delivered + d.delivered_unacked;
    }
    return records;
}

// The last thing that went wrong, of a destination that it still goes wrong with.
std::string_view trouble_of(const exporter_stats& s) {
    for (const auto& d : s.destinations) {
        if (d.state != health::ok && d.pending != 0) {
            return d.last_error;
        }
    }
    return {};
}

} // namespace

sender::sender(
    sender_options options, row_source& from, target& to, exporter& through, console& out)
    : options_(std::move(options)), from_(from), to_(to), through_(through), out_(out),
      window_(options_.window_bytes), confirmer_(through, options_.skip_lines) {
    so_far_.file = options_.file;
    so_far_.skipped = options_.skip_lines;
    so_far_.last_line = options_.skip_lines;
}

summary sender::run() {
    const auto how = settle(read_all());
    so_far_.confirmed = confirmer_.confirmed();
    through_.close(0ms); // what is left now will not be delivered
    so_far_.stats = through_.stats();
    out_.remove_bar();
    if (so_far_.bad_lines > most_bad_named) {
        out_.say(fmt::format(
            "send: {}: {} bad lines in all; only the first {} are named",
            options_.file,
            so_far_.bad_lines,
            most_bad_named));
    }
    if (how == ending::gave_up) {
        out_.say(fmt::format(
            "send: nothing was acknowledged for {:g} s: gave up; --give-up-after says how long to "
            "wait",
            std::chrono::duration<double>(options_.give_up_after).count()));
    }
    so_far_.how = how;
    so_far_.signal = first_stop_signal();
    so_far_.repaired = to_.repaired();
    so_far_.bytes_read = options_.bytes_read();
    so_far_.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun_);
    so_far_.peak_kib = peak_memory_kib();
    return std::move(so_far_);
}

ending sender::read_all() {
    while (so_far_.records < options_.limit) {
        if (stop_signals() != 0) {
            return ending::interrupted;
        }
        if (const auto over = take_row(from_.next(row_, why_))) {
            return *over;
        }
        if (++rows_since_clock_ >= rows_between_clocks) {
            show_progress_if_due();
        }
    }
    return ending::complete;
}

std::optional<ending> sender::take_row(found what) {
    switch (what) {
    case found::end: return ending::complete;
    case found::interrupted: return ending::interrupted;
    case found::failed:
        out_.say(fmt::format(
            "send: read {}: behind line {}: {}; what came before is sent",
            options_.file,
            so_far_.last_line,
            why_));
        return ending::failed;
    case found::bad_line: break;
    case found::row:
        why_ = to_.prepare(row_);
        if (why_.empty()) {
            if (const auto over = push()) {
                return over;
            }
        }
    }
    so_far_.last_line = row_.last_line;
    const bool goes_on = why_.empty() || report_bad(why_);
    why_.clear();
    confirmer_.reached(row_.last_line);
    if (!goes_on) {
        return ending::too_many_bad;
    }
    return std::nullopt;
}

bool sender::report_bad(const std::string& why) {
    if (++so_far_.bad_lines <= most_bad_named) {
        out_.say(fmt::format("send: {}:{}: {}; left out", options_.file, lines_of(row_), why));
    }
    if (so_far_.bad_lines <= options_.max_bad) {
        return true;
    }
    out_.say(too_many_bad(options_.file, options_.max_bad));
    return false;
}

// A row that is in hand when it is time to stop is not pushed: its line counts as not read.
std::optional<ending> sender::push() {
    const auto cost = to_.cost_bytes();
    while (true) {
        if (window_.is_due()) {
            if (const auto over = wait_for_room()) {
                return over;
            }
        }
        if (to_.push(through_)) {
            window_.pushed(cost);
            ++so_far_.records;
            return std::nullopt;
        }
        const auto rejected = through_.stats().rejected;
        const auto full = rejected[reason::queue_full];
        if (full == rejected_) {
            why_ = fmt::format(
                "the exporter refuses it: {}",
                rejected[reason::too_many_names] != 0 ? "too many names"
                                                      : "too large for one record");
            return std::nullopt;
        }
        rejected_ = full;
        if (const auto over = wait_for_room()) {
            return over;
        }
    }
}

std::optional<ending> sender::wait_for_room() {
    look();
    while (!window_.has_room()) {
        if (stop_signals() != 0) {
            return ending::interrupted;
        }
        if (waits_too_long()) {
            return ending::gave_up;
        }
        show_progress_if_due();
        std::this_thread::sleep_for(room_interval);
        look();
    }
    return std::nullopt;
}

void sender::look() {
    so_far_.stats = through_.stats();
    const auto pending = pending_of(so_far_.stats);
    window_.look(pending);
    const auto settled = so_far_.stats.accepted - pending;
    if (settled != settled_ || pending == 0) {
        settled_ = settled;
        settled_at_ = clock::now();
    }
}

bool sender::waits_too_long() const {
    return options_.give_up_after.count() != 0 &&
           clock::now() - settled_at_ >= options_.give_up_after;
}

// A first signal leaves what is pending the time that close has; a second one none.
ending sender::settle(ending how) {
    confirmer_.hurry();
    if (how == ending::interrupted) {
        through_.retry_now();
    }
    auto signalled_at = clock::now();
    while (how != ending::gave_up && !confirmer_.is_all_confirmed()) {
        std::this_thread::sleep_for(settle_interval);
        const auto signals = stop_signals();
        if (signals != 0 && how != ending::interrupted) {
            how = ending::interrupted;
            signalled_at = clock::now();
            through_.retry_now();
        }
        if (signals > 1 ||
            (how == ending::interrupted && clock::now() - signalled_at >= options_.close_timeout)) {
            break;
        }
        look();
        if (waits_too_long()) {
            how = how == ending::interrupted ? how : ending::gave_up;
            break;
        }
        show_progress_if_due();
    }
    // One that came with the very end of the input: whoever sent it waits for an answer.
    return how == ending::complete && stop_signals() != 0 ? ending::interrupted : how;
}

bool sender::idle() {
    look();
    show_progress_if_due();
    return stop_signals() == 0;
}

void sender::show_progress_if_due() {
    rows_since_clock_ = 0;
    const auto now = clock::now();
    const auto interval = out_.is_terminal() ? clock::duration(bar_interval) : line_interval;
    if (options_.shows_progress && now - shown_at_ >= interval) {
        shown_at_ = now;
        show_progress();
    }
}

void sender::show_progress() {
    if (!options_.shows_progress) {
        return;
    }
    progress_.add(
        {.bytes_read = options_.bytes_read(),
         .bytes_total = options_.bytes_total,
         .records = so_far_.records,
         .acknowledged = acknowledged_of(so_far_.stats),
         .bad_lines = so_far_.bad_lines,
         .trouble = trouble_of(so_far_.stats)},
        clock::now());
    if (out_.is_terminal()) {
        out_.show_bar(progress_.bar(out_.width(), out_.has_colour()));
    } else {
        out_.say("send: " + progress_.line());
    }
}

} // namespace monarc::send
