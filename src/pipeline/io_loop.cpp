#include "pipeline/io_loop.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <limits>
#include <new>
#include <utility>

namespace monarc::pipeline {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

constexpr auto shortest_poll = 1ms; // while data flows; doubles when idle (D-1.5)
constexpr auto longest_poll = 5ms;
constexpr std::size_t most_slots_a_pass = 16'384;
constexpr auto everything = std::numeric_limits<std::uint64_t>::max();
constexpr auto close_slack = 150ms; // for coroutines to find out, after the deadline

// As much state as the operating system gives: payload ids must not meet those of another process.
std::mt19937_64 seeded_generator() {
    std::random_device device;
    std::seed_seq seed{
        device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
}

// A caller may say "for ever" by the longest duration there is: now plus that would overflow.
steady::time_point deadline_in(std::chrono::milliseconds timeout) {
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24) * 365;
    return steady::now() + std::clamp(timeout, std::chrono::milliseconds(0), longest);
}

// How memory_limit is shared out (D-2.5). The queue may take all but a reserve; it never gives back
// what it took, so the reserve must do for all others: an eighth for what a pass over the queue
// copies, which may take three times that, a quarter each for contexts and for what is in flight.
// What nobody holds is for contexts and for payloads that wait.
std::size_t reserve_of(const exporter_options& o) {
    constexpr std::size_t usual = std::size_t{2} << 20; // a few batches of the default size
    const auto most = o.memory_limit - o.queue.capacity * detail::slot_bytes;
    const auto wanted = std::max(o.memory_limit / 5, std::min(usual, o.memory_limit / 16 * 7));
    return std::min(wanted, most);
}
std::size_t slots_a_pass(const exporter_options& o) {
    return std::clamp(
        reserve_of(o) / 8 / detail::slot_bytes, queue::block_slots, most_slots_a_pass);
}
delivery::delivery_settings delivery_settings_of(const exporter_options& o) {
    return {.retry = o.retry, .max_in_flight_bytes = reserve_of(o) / 4};
}
batch_options batch_options_of(const exporter_options& o) {
    auto batch = o.batch;
    batch.max_bytes = std::min(batch.max_bytes, o.memory_limit / 8);
    return batch;
}

} // namespace

io_loop::io_loop(const exporter_options& options, queue::record_queue& queue)
    : options_(options), queue_(queue), log_(options.log), to_wall_(queue.clock()),
      random_(seeded_generator()), slots_a_pass_(slots_a_pass(options)),
      list_(delivery_settings_of(options)) {
    if (const auto* forward = std::get_if<mona_forward_options>(&options.mona)) {
        const destinations::mona_forward::settings settings{
            .options = *forward, .response_timeout = options.response_timeout};
        destination_ = std::make_unique<destinations::mona_forward>(
            io_.get_executor(), settings, queue.descriptor(), random_);
        aggregator_.emplace(aggregate::aggregator_settings{
            .merge = forward->merge,
            .batch = batch_options_of(options),
            .max_contexts = options.max_contexts,
            .entry_bytes = destination_->wire().entry_bytes()});
    }
    share_memory(0);
    // The thread takes no signals: handlers belong to the application (D-9.6).
    sigset_t all_signals;
    sigset_t before;
    ::sigfillset(&all_signals);
    ::pthread_sigmask(SIG_SETMASK, &all_signals, &before);
    try {
        thread_ = std::thread([this] { run(); });
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "monarc-io");
}

// --- the thread
// ------------------------------------------------------------------------------------------------------

void io_loop::run() noexcept {
    own_id_ = std::this_thread::get_id();
    log_(
        log_level::info,
        queue_.clock().counter ? "clock: time stamp counter of the processor"
                               : "clock: CLOCK_MONOTONIC; the processor's counter is not usable");
    asio::post(io_, [this] { tick(); });
    while (!io_.stopped()) {
        try {
            io_.run();
        } catch (const std::exception& error) { // D-9.10: never the thread
            log_(
                log_level::error,
                fmt::format("io_loop: unexpected exception: {}; carrying on", error.what()));
            carry_on();
        } catch (...) {
            log_(log_level::error, "io_loop: unexpected exception; carrying on");
            carry_on();
        }
    }
    // What was cancelled finds out; late requests are answered from the final numbers.
    io_.restart();
    try {
        io_.run_for(close_slack);
    } catch (...) {
        log_(log_level::error, "io_loop: unexpected exception at close");
    }
    own_id_ = std::thread::id(); // another thread may get the number
}

// A turn that was left by an exception may not have asked for the next one.
void io_loop::carry_on() noexcept {
    try {
        poll_in(longest_poll);
    } catch (...) { // no memory even for that: whoever posts a request next wakes the thread
    }
}

// Most polls of most exporters: nothing has come, nothing waits. What they leave untouched stays in
// no cache.
bool io_loop::is_idle() const noexcept {
    return queue_.is_empty() && sequencer_.count() == 0 && retired_.empty() &&
           !(aggregator_ && aggregator_->has_open()) && list_.is_empty() && flushes_.empty() &&
           !close_at_;
}

void io_loop::tick() {
    // The first idle turn is a whole one: it says how much memory is free again.
    if (!is_idle()) {
        is_resting_ = false;
    } else if (std::exchange(is_resting_, true)) {
        interval_ = std::min(2 * interval_, std::chrono::milliseconds(longest_poll));
        poll_in(interval_);
        return;
    }
    const auto now = steady::now();
    const auto fed_before = fed_;
    const auto newest = queue_.clock().now_after_loads();
    const bool is_behind = pass(now, newest) < newest && fed_ != fed_before;
    list_.expire(now);
    keep_within_memory();
    pump();
    answer_flushes(now);
    if (close_at_ && (list_.is_empty() || now >= *close_at_)) {
        finish(now >= *close_at_);
        return;
    }
    if (is_behind) { // more is there already; sockets get their turn first
        asio::post(io_, [this] { tick(); });
        return;
    }
    interval_ = fed_ != fed_before || close_at_
                    ? shortest_poll
                    : std::min(2 * interval_, std::chrono::milliseconds(longest_poll));
    poll_in(interval_);
}

void io_loop::poll_in(std::chrono::milliseconds interval) {
    poll_.expires_after(interval);
    poll_.async_wait([this](boost::system::error_code ec) {
        if (!ec) {
            tick();
        }
    });
}

// One round over all producers; in stamp order up to where nothing is missing. Returns: that point.
std::uint64_t io_loop::pass(time_point now, std::uint64_t newest) {
    to_wall_.refresh(); // a flush may come after hours without a turn
    if (const auto released = queue_.take_released(); !released.empty()) {
        // Read after they were taken: no push through one of these handles is younger.
        const auto stamp = queue_.clock().now_after_loads();
        for (const auto& one : released) {
            retired_.push_back(
                {.entry = one.entry, .stamp = stamp, .has_no_handle = one.has_no_handle});
        }
    }
    tell_lost_classes_again(); // before the next record of such a context
    const auto share = std::max(
        queue::block_slots, slots_a_pass_ / std::max<std::size_t>(1, queue_.producer_count()));
    const auto complete = queue_.drain(*this, newest, share);
    if (sequencer_.count() != 0) {
        sequencer_.sort();
        sequencer_.take_up_to(complete, [&](const record_view& record) {
            fetch_ahead();
            feed(record, now);
        });
    }
    retire(complete);
    if (aggregator_ && aggregator_->is_due(now)) {
        seal(now);
    }
    return complete;
}

// Handles that were closed or dropped, once no record that was pushed through them can still come.
void io_loop::retire(std::uint64_t complete_up_to) {
    std::erase_if(retired_, [&](const retired_context& one) {
        // A coarse clock gives several records one stamp.
        if (complete_up_to <= one.stamp) {
            return false;
        }
        if (aggregator_) {
            aggregator_->forget(*one.entry);
        }
        if (one.has_no_handle) {
            delete one.entry;
        }
        return true;
    });
}

void io_loop::drain_everything(time_point now) {
    const auto barrier = queue_.clock().now_after_loads();
    while (pass(now, queue_.clock().now_after_loads()) < barrier) {
        keep_within_memory();
    }
    keep_within_memory();
}

void io_loop::take(queued_record record) noexcept {
    try {
        sequencer_.add(record);
    } catch (...) {
        take_json(record.view()); // and free it
        ++fed_;
        ++dropped_[reason::memory];
    }
}

// What the next records need of their contexts is seldom in a cache.
void io_loop::fetch_ahead() const noexcept {
    constexpr std::size_t first = 12;
    constexpr std::size_t second = 6;
    if (aggregator_) {
        sequencer_.look_ahead(first, [&](const record_of& r) { aggregator_->fetch_first(r); });
        sequencer_.look_ahead(second, [&](const record_of& r) { aggregator_->fetch_second(r); });
    }
}

void io_loop::feed(const record_view& record, time_point now) {
    ++fed_;
    if (json_.concerns(record.shape)) [[unlikely]] {
        feed_json(record, now);
    } else {
        add(record, now);
    }
}

// What only this thread can judge is dropped(bad_json); a json() value that is none is left out.
void io_loop::feed_json(record_view record, time_point now) {
    const auto bad_fields = json_.counts().bad_fields;
    const auto verdict = json_.read(record);
    if (verdict == json_texts::verdict::ready) {
        add(record, now);
    } else {
        ++dropped_[verdict == json_texts::verdict::bad ? reason::bad_json : reason::memory];
    }
    if (json_.memory_bytes() > options_.memory_limit / 12) { // a text of 256 KiB takes 4 MiB
        json_.release_memory();
    }
    if (verdict == json_texts::verdict::bad) {
        bad_json_.happened(
            log_,
            log_level::warning,
            fmt::format("push_json: {}; dropped (bad_json)", json_.why()),
            now);
    } else if (json_.counts().bad_fields != bad_fields) {
        bad_json_field_.happened(
            log_,
            log_level::warning,
            fmt::format("json: {}; the field is left out", json_.why()),
            now);
    }
}

void io_loop::add(const record_view& record, time_point now) {
    if (!aggregator_) {
        ++dropped_[reason::internal];
        return;
    }
    try {
        const auto wall = to_wall_(record.stamp);
        while (!aggregator_->add(record, wall, now)) {
            seal(now);
        }
    } catch (const std::bad_alloc&) {
        dropped_[reason::memory] += aggregator_->open_batch().records + 1;
        aggregator_->clear_batch();
        aggregator_->tell_classes_again();
    }
}

void io_loop::seal(time_point now) {
    const auto& open = aggregator_->open_batch();
    if (open.is_empty()) {
        return;
    }
    auto encoded = destination_->encode(open);
    if (encoded) {
        events_ += open.entries.size();
        list_.append(std::move(*encoded), now);
    } else {
        dropped_
            [encoded.error() == std::errc::not_enough_memory ? reason::memory : reason::internal] +=
            open.records;
        aggregator_->tell_classes_again();
        log_(
            log_level::error,
            fmt::format(
                "mona_forward: encode {} records: {}; dropped",
                open.records,
                encoded.error().message()));
    }
    aggregator_->clear_batch();
    if (list_.memory_bytes() > options_.memory_limit / 4) {
        keep_within_memory();
    }
}

// Section 8 of delivery.md: what queue, batches and contexts leave is for payloads; the oldest goes
// first.
void io_loop::keep_within_memory() {
    const auto aggregated = aggregator_ ? aggregator_->memory_bytes() : 0;
    const auto copies = sequencer_.memory_bytes() + json_.memory_bytes();
    const auto others = queue_.memory_bytes() + copies + aggregated;
    const auto left = options_.memory_limit > others ? options_.memory_limit - others : 0;
    bool has_dropped = false;
    while (list_.memory_bytes() > left && list_.drop_oldest(reason::memory)) {
        has_dropped = true;
    }
    if (has_dropped) {
        overflowing_.happened(
            log_,
            log_level::warning,
            fmt::format(
                "mona_forward: memory_limit of {} bytes is reached: the oldest payloads are "
                "dropped; {} records so far",
                options_.memory_limit,
                list_.counts().dropped[reason::memory]),
            steady::now());
    }
    tell_lost_classes_again();
    share_memory(copies + aggregated + list_.memory_bytes());
}

void io_loop::share_memory(std::size_t held_by_others) noexcept {
    const auto reserve = reserve_of(options_);
    queue_.set_other_memory(std::max(held_by_others, reserve));
    if (aggregator_) {
        const auto taken = std::min(options_.memory_limit, queue_.memory_bytes() + reserve);
        const auto unclaimed = options_.memory_limit - taken;
        aggregator_->set_max_context_bytes(
            reserve / 4 + std::min(unclaimed / 2, options_.memory_limit / 4));
    }
}

void io_loop::tell_lost_classes_again() {
    if (aggregator_ && list_.take_lost_class_messages()) {
        aggregator_->tell_classes_again();
    }
}

void io_loop::pump() {
    if (!destination_) {
        return;
    }
    split_suspect();
    while (auto attempt = list_.next(steady::now())) {
        ++sends_;
        auto sending = send_one(attempt->number, std::move(attempt->what));
        asio::co_spawn(io_, std::move(sending), asio::detached);
    }
}

// D-7.6: three connections failed over one payload while another passed.
void io_loop::split_suspect() {
    if (const auto* suspect = list_.to_split()) {
        auto halves = destination_->split(*suspect);
        log_(
            log_level::warning,
            fmt::format(
                "mona_forward: {} records make the receiver fail while others pass; {}",
                suspect->records,
                halves ? "halved to find the fault" : "they cannot be cut: dead(rejected)"));
        if (halves) {
            list_.split_done(std::move(*halves));
        } else {
            list_.split_failed();
        }
    }
}

asio::awaitable<void>
io_loop::send_one(std::uint64_t attempt, std::shared_ptr<const payload> what) {
    const auto result = co_await destination_->send(what);
    const auto now = steady::now();
    if (list_.done(attempt, result, now, uniform())) {
        log_outcome(result, *what, now);
    }
    --sends_;
    answer_flushes(now);
    if (!close_at_ || now < *close_at_) {
        pump();
    }
}

void io_loop::log_outcome(const outcome& result, const payload& what, time_point now) {
    switch (result.what) {
    case verdict::retry: {
        last_error_ = result.why;
        const bool advises = result.was_unanswered && !std::exchange(has_advised_, true); // D-5.3
        const auto text = fmt::format(
            "mona_forward: {}{}; {} records wait, next attempt in {} ms",
            result.why,
            advises ? "; if this receiver never acknowledges, set mona.ack = off" : "",
            list_.ready_records(),
            list_.wait().count());
        if (advises && failing_.goes_on()) { // it failed for another reason so far
            log_(log_level::warning, text);
        }
        failing_.happened(log_, log_level::warning, text, now);
        break;
    }
    case verdict::delivered:
    case verdict::delivered_unacked:
        failing_.ended(
            log_,
            fmt::format("mona_forward: delivering again, {} records went through", what.records));
        break;
    case verdict::abandoned: break;
    }
}

// --- requests
// --------------------------------------------------------------------------------------------------------

// Runs `work` on the thread. Returns: false when the thread is gone.
template <class Work>
bool io_loop::post(Work work) {
    const std::lock_guard guard(ended_lock_);
    if (has_ended_) {
        return false;
    }
    asio::post(io_, std::move(work));
    return true;
}

flush_result io_loop::flush(std::chrono::milliseconds timeout) {
    auto request = std::make_unique<flush_request>();
    request->deadline = deadline_in(timeout);
    auto answer = request->promise.get_future();
    if (!post([this, moved = std::move(request)]() mutable { begin_flush(std::move(moved)); })) {
        auto settled = final_result_;
        return settled;
    }
    return answer.get();
}

void io_loop::begin_flush(std::unique_ptr<flush_request> request) {
    if (has_ended_) { // only this thread writes it
        request->promise.set_value(final_result_);
        return;
    }
    const auto now = steady::now();
    drain_everything(now);
    if (aggregator_) {
        seal(now);
    }
    list_.begin(request->watch);
    auto& barrier = request->at_barrier;
    barrier.accepted = fed_;
    if (aggregator_) {
        barrier.filtered = aggregator_->counts().filtered.total();
        barrier.dropped = aggregator_->counts().dropped.total();
    }
    barrier.dropped += dropped_.total();
    flushes_.push_back(std::move(request));
    pump();
    answer_flushes(now);
}

flush_result io_loop::result_of(const flush_request& request) const {
    auto result = request.at_barrier;
    const auto& counts = request.watch.counts();
    result.delivered = counts.delivered;
    result.delivered_unacked = counts.delivered_unacked;
    result.dead = counts.dead;
    result.dropped += counts.dropped;
    result.pending = list_.pending(request.watch);
    return result;
}

void io_loop::answer_flushes(time_point now) {
    std::erase_if(flushes_, [&](const std::unique_ptr<flush_request>& one) {
        const bool is_over = list_.is_over(one->watch);
        if (!is_over && now < one->deadline) {
            return false;
        }
        auto result = result_of(*one);
        if (!is_over) {
            result.error = errc::timed_out;
        }
        list_.end(one->watch);
        one->promise.set_value(result);
        return true;
    });
}

exporter_stats io_loop::stats() {
    if (is_own_thread()) {
        return snapshot();
    }
    auto promise = std::make_shared<std::promise<exporter_stats>>();
    auto answer = promise->get_future();
    if (!post([this, promise] { promise->set_value(has_ended_ ? last_stats() : snapshot()); })) {
        return last_stats();
    }
    return answer.get();
}

// After the end: what was accepted is settled, but pushes go on being refused and counted (D-9.5).
exporter_stats io_loop::last_stats() {
    auto s = final_stats_;
    const auto counts = queue_.counts();
    s.pushed = counts.pushed;
    for (std::size_t i = 0; i < queue::reject_reasons; ++i) {
        s.rejected[static_cast<reason>(i)] = counts.rejected[i];
    }
    assert(s.is_exact());
    return s;
}

void io_loop::retry_now() {
    post([this] {
        list_.retry_now();
        pump();
    });
}

exporter_stats io_loop::snapshot() {
    const auto counts = queue_.counts();
    exporter_stats s;
    s.pushed = counts.pushed;
    s.accepted = counts.accepted;
    for (std::size_t i = 0; i < queue::reject_reasons; ++i) {
        s.rejected[static_cast<reason>(i)] = counts.rejected[i];
    }
    s.queue_blocks_added = queue_.blocks_added();
    s.callback_exceptions = log_.exceptions();
    s.memory_bytes = queue_.memory_bytes() + sequencer_.memory_bytes() + json_.memory_bytes() +
                     list_.memory_bytes();
    if (!aggregator_) {
        return s;
    }
    const auto& aggregated = aggregator_->counts();
    const auto& wire = destination_->wire().counts();
    s.merged = aggregated.merged;
    s.fields = aggregated.fields;
    s.stripped_fields = aggregated.stripped_fields;
    s.overwritten_fields = aggregated.overwritten_fields + wire.overwritten_fields;
    s.utf8_repaired = aggregated.utf8_repaired + wire.utf8_repaired + json_.counts().utf8_repaired;
    s.bad_json_fields = json_.counts().bad_fields;
    s.class_messages = aggregated.class_messages;
    s.live_contexts = aggregator_->live_contexts();
    s.evicted_contexts = aggregated.evicted_contexts;
    s.memory_bytes += aggregator_->memory_bytes();

    const auto& delivered = list_.counts();
    destination_stats d;
    d.name = destination_->name();
    d.accepted = counts.accepted;
    d.delivered = delivered.delivered;
    d.delivered_unacked = delivered.delivered_unacked;
    d.queued = counts.accepted - fed_;
    d.open = aggregator_->open_batch().records;
    d.ready = list_.ready_records();
    d.in_flight = list_.in_flight_records();
    d.pending = d.queued + d.open + d.ready + d.in_flight;
    d.dead = delivered.dead;
    d.dropped = delivered.dropped;
    d.dropped_bytes = delivered.dropped_bytes;
    for (std::size_t i = 0; i < reason_total; ++i) {
        const auto why = static_cast<reason>(i);
        d.dropped[why] += aggregated.dropped[why] + dropped_[why];
    }
    d.filtered = aggregated.filtered;
    d.payloads = delivered.payloads;
    d.attempts = delivered.attempts;
    d.retries = delivered.retries;
    d.late_answers = delivered.late_answers;
    d.connections = destination_->connections();
    d.events = events_;
    d.payload_bytes = delivered.payload_bytes;
    d.wire_bytes = delivered.wire_bytes;
    d.state = list_.state();
    d.last_error = last_error_;
    s.destinations.push_back(std::move(d));
    assert(s.is_exact());
    return s;
}

// --- close
// -----------------------------------------------------------------------------------------------------------

// D-9.2. The steps that need the thread happen there; it bounds itself.
flush_result io_loop::close(std::chrono::milliseconds timeout) {
    const std::lock_guard guard(close_lock_);
    if (!is_closed_) {
        const auto deadline = deadline_in(timeout);
        queue_.shut();
        post([this, deadline] { begin_close(deadline); });
        thread_.join();
        // What an exception left behind: the sequencer frees the texts of JSON records.
        while (queue_.drain(*this, everything, queue::share_slots) < everything) {
        }
        queue_.release_storage();
        is_closed_ = true;
    }
    return final_result_;
}

void io_loop::begin_close(time_point deadline) {
    const auto now = steady::now();
    close_at_ = deadline; // first: whatever happens below, the thread ends then
    drain_everything(now);
    if (aggregator_) {
        seal(now);
    }
    keep_within_memory();
    list_.retry_now();
    pump();
    poll_.cancel();
    asio::post(io_, [this] { tick(); });
}

void io_loop::finish(bool is_late) {
    retire(everything); // begin_close has fed it
    if (destination_) {
        destination_->abandon();
    }
    const auto left = list_.ready_records() + list_.in_flight_records();
    if (left != 0) {
        log_(
            log_level::warning,
            fmt::format(
                "mona_forward: close_timeout is over: {} records dropped (shutdown)", left));
    }
    list_.drop_all(reason::shutdown);
    const auto now = steady::now();
    answer_flushes(now);

    const std::lock_guard guard(ended_lock_);
    final_stats_ = snapshot();
    final_result_ = {};
    final_result_.accepted = final_stats_.accepted;
    for (const auto& d : final_stats_.destinations) {
        final_result_.delivered = d.delivered;
        final_result_.delivered_unacked = d.delivered_unacked;
        final_result_.dead = d.dead.total();
        final_result_.dropped = d.dropped.total();
        final_result_.filtered = d.filtered.total();
        final_result_.pending = d.pending;
    }
    if (is_late && left != 0) {
        final_result_.error = errc::timed_out;
    }
    has_ended_ = true;
    io_.stop();
}

} // namespace monarc::pipeline
