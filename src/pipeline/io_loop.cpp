#include "pipeline/io_loop.hpp"

#include "core/json_block.hpp"
#include "core/start_thread.hpp"
#include "pipeline/io_thread.hpp"
#include "pipeline/series_registry.hpp"
#include "pipeline/stage_settings.hpp"

#include <monarc/error.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
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
constexpr auto everything = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t login_descriptor = 6; // of the queue's: Mona's; 0 is for its destination
constexpr auto close_slack = 150ms;         // for coroutines to find out, after the deadline
constexpr auto between_reminders = 10min;   // of tls.verify = false (D-12.3)

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

} // namespace

io_loop::io_loop(const exporter_options& options, queue::record_queue& queue)
    : options_(options), queue_(queue), log_(options.log), to_wall_(queue.clock()),
      random_(seeded_generator()), slots_a_pass_(slots_a_pass(options)),
      json_(dialect_of(options)) {
    open_stages();
    share_memory(0);
    thread_ = start_thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), options_.io_thread.name.c_str());
}

void io_loop::open_stages() {
    const auto descriptors = queue_.descriptors();
    const auto settled = [this] { answer_flushes(steady::now()); };
    if (const auto* forward = std::get_if<mona_forward_options>(&options_.mona)) {
        const destinations::mona_forward::settings settings{
            .options = *forward,
            .tls = options_.tls,
            .response_timeout = options_.response_timeout,
            .ended = [this](const std::string& why) {
                contexts_->out().say_connection_ended(why);
            }};
        auto destination = std::make_unique<destinations::mona_forward>(
            io_.get_executor(), settings, descriptors[0], random_);
        const aggregate::aggregator_settings how{
            .merge = forward->merge,
            .batch = batch_options_of(options_),
            .max_contexts = options_.max_contexts,
            .entry_bytes = destination->wire().entry_bytes()};
        auto& stage = contexts_.emplace(std::move(destination), how, log_);
        lanes_.push_back(&stage.open_lane(std::make_unique<lane>(
            io_, stage.destination(), forward_delivery_of(options_), log_, random_, settled)));
    }
    if (const auto* rest = std::get_if<mona_rest_options>(&options_.mona)) {
        open_rest(*rest);
    }
    if (options_.monasca) {
        const auto delivery = monasca_delivery_of(options_);
        const auto batch = monasca_batch_of(options_);
        const destinations::monasca::settings settings{
            .options = *options_.monasca,
            .tls = options_.tls,
            .response_timeout = options_.response_timeout,
            .max_retry_after = options_.retry.max_retry_after,
            .say = [this](log_level level, std::string_view text) { log_(level, text); }};
        auto destination = std::make_unique<destinations::monasca>(
            io_.get_executor(),
            settings,
            descriptors.subspan<1, destinations::monasca::max_descriptors>(),
            random_);
        auto& to = *destination;
        const aggregate::series_table_settings how{
            .interval = options_.monasca->interval,
            .max_records = batch.max_records,
            .max_bytes = batch.max_bytes,
            .max_delay = batch.max_delay};
        auto& stage = metrics_.emplace(
            std::move(destination),
            how,
            aggregate::deriver(options_.derive, added_dimensions(*options_.monasca)),
            log_,
            [this] { keep_within_memory_behind(metrics_->out()); },
            steady::now());
        lanes_.push_back(
            &stage.open_lane(std::make_unique<lane>(io_, to, delivery, log_, random_, settled)));
    }
}

void io_loop::open_rest(const mona_rest_options& rest) {
    const auto uniform = [this] {
        return std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    };
    const destinations::mona_rest::settings settings{
        .options = rest,
        .tls = options_.tls,
        .response_timeout = options_.response_timeout,
        .max_retry_after = options_.retry.max_retry_after,
        .uniform = uniform,
        .say = [this](log_level level, std::string_view text) {
            log_(level, fmt::format("mona_rest: {}", text));
        }};
    auto destination = std::make_unique<destinations::mona_rest>(
        io_.get_executor(),
        settings,
        queue_.descriptors()[0],
        queue_.descriptors()[login_descriptor]);
    const aggregate::rest_settings how{
        .merge = rest.merge,
        .reserved_keys = rest.reserved_keys,
        .drop_nulls = rest.drop_nulls,
        .default_action = rest.default_action.value_or(action::overwrite),
        .batch = batch_options_of(options_)};
    auto& stage =
        rest_.emplace(std::move(destination), how, context_sampler(rest.sampling, uniform), log_);
    lanes_.push_back(&stage.open_lane(std::make_unique<lane>(
        io_, stage.destination(), rest_delivery_of(options_), log_, random_, [this] {
            answer_flushes(steady::now());
        })));
}

// --- the thread
// ------------------------------------------------------------------------------------------------------

void io_loop::run() noexcept {
    own_id_ = std::this_thread::get_id();
    place_thread(options_.io_thread, log_);
    queue::record_queue::never_wait_on_this_thread();
    log_(
        log_level::info,
        queue_.clock().counter ? "clock: time stamp counter of the processor"
                               : "clock: CLOCK_MONOTONIC; the processor's counter is not usable");
    say_proxies_are_ignored(options_, log_);
    if (has_unverified_peer(options_)) {
        remind_of_unverified_peers();
    }
    while (!io_.stopped()) {
        try {
            serve_until_tick();
            if (!rests_on()) {
                tick_in_a_handler();
            }
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
    work_.reset();
    io_.restart();
    try {
        io_.run_for(close_slack);
    } catch (...) {
        log_(log_level::error, "io_loop: unexpected exception at close");
    }
    own_id_ = std::thread::id(); // another thread may get the number
}

void io_loop::remind_of_unverified_peers() {
    log_(
        log_level::warning,
        "tls.verify = false: anybody can pretend to be the receiver; set tls.ca_file instead");
    reminder_.expires_after(between_reminders);
    reminder_.async_wait([this](boost::system::error_code ec) {
        if (!ec) {
            remind_of_unverified_peers();
        }
    });
}

// A turn that was left by an exception may not have asked for the next one.
void io_loop::carry_on() noexcept {
    poll_in(longest_poll);
}

// Sockets, requests and timers. The next turn is waited for in the same call of the system as they
// are: a timer of its own costs an idle exporter two more each time.
void io_loop::serve_until_tick() {
    if (steady::now() >= next_tick_) { // more is there already, but sockets get their turn first
        io_.poll();
        return;
    }
    while (io_.run_one_until(next_tick_) != 0 && steady::now() < next_tick_) {
    }
}

// Attempts that a turn begins must not be overtaken by those that an acknowledgement makes room for
// (D-2.4): both then begin at once, as co_spawn does inside of a handler only.
void io_loop::tick_in_a_handler() {
    if (!is_tick_posted_) {
        asio::post(io_, [this] {
            is_tick_posted_ = false;
            tick();
        });
        is_tick_posted_ = true;
    }
    while (is_tick_posted_ && io_.run_one() != 0) {
    }
}

// Most polls of most exporters: nothing has come, nothing waits. What they leave untouched stays in
// no cache.
bool io_loop::is_idle() const noexcept {
    return queue_.is_empty() && sequencer_.count() == 0 && retired_.empty() &&
           !(contexts_ && contexts_->has_open()) && !(rest_ && rest_->has_open()) &&
           !(metrics_ && metrics_->has_open()) && lists_are_empty() && flushes_.empty() &&
           !close_at_;
}

// An idle turn behind another one: it begins no attempt, so it needs no handler.
bool io_loop::rests_on() noexcept {
    if (!is_resting_ || !is_idle()) {
        return false;
    }
    interval_ = std::min(2 * interval_, std::chrono::milliseconds(longest_poll));
    poll_in(interval_);
    return true;
}

void io_loop::tick() {
    if (has_ended_) { // only this thread writes it
        return;
    }
    is_resting_ = is_idle(); // from now on: this turn says how much memory is free again
    const auto now = steady::now();
    if (close_at_ && now >= *close_at_) {
        finish(now);
        return;
    }
    const auto fed_before = fed_;
    const auto newest = queue_.clock().now_after_loads();
    const auto complete = pass(now, newest);
    seal_for_requests(complete, now);
    for (auto* one : lanes_) {
        one->list().expire(now);
    }
    keep_within_memory();
    pump();
    answer_flushes(now);
    if (is_all_sealed_ && lists_are_empty()) {
        finish(now);
        return;
    }
    if (complete < newest && (fed_ != fed_before || waits_for_queue())) { // more is there already
        tick_soon();
        return;
    }
    interval_ = fed_ != fed_before || close_at_
                    ? shortest_poll
                    : std::min(2 * interval_, std::chrono::milliseconds(longest_poll));
    poll_in(interval_);
}

void io_loop::poll_in(std::chrono::milliseconds interval) noexcept {
    next_tick_ = steady::now() + interval;
}

void io_loop::tick_soon() noexcept {
    next_tick_ = {};
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
    present_ = to_wall_(newest);
    tell_lost_classes_again(); // before the next record of such a context
    // What waits for a thread that is behind takes room too.
    const auto waiting = std::min(slots_a_pass_, sequencer_.bytes() / detail::slot_bytes);
    const auto share = std::max(
        least_slots_a_thread,
        (slots_a_pass_ - waiting) / std::max<std::size_t>(1, queue_.due_producer_count()));
    const auto complete = queue_.drain(*this, newest, share);
    if (sequencer_.count() != 0) {
        sequencer_.sort();
        sequencer_.take_up_to(complete, [&](const record_view& record) {
            fetch_ahead();
            feed(record, now);
        });
    }
    retire(complete);
    if (contexts_) {
        contexts_->seal_if_due(now);
    }
    if (rest_) {
        rest_->seal_if_due(now);
    }
    if (metrics_) {
        metrics_->turn(present_, now);
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
        if (contexts_ && one.entry->series == nullptr) {
            contexts_->aggregator().forget(*one.entry);
        }
        if (one.has_no_handle) {
            delete one.entry;
        }
        return true;
    });
}

void io_loop::take(queued_record record) noexcept {
    try {
        sequencer_.add(record);
    } catch (...) {
        take_json(record.view()); // and free it
        lose(reason::memory, 1);
    }
}

// Off the queue, but whose they were nobody has seen.
void io_loop::lose(reason why, std::uint64_t records) noexcept {
    fed_ += records;
    if (contexts_) {
        contexts_->lose(why, records);
    }
    if (rest_) {
        rest_->lose(why, records);
    }
    if (metrics_) {
        metrics_->lose(why, records);
    }
}

// What the next records need of their contexts is seldom in a cache.
void io_loop::fetch_ahead() const noexcept {
    constexpr std::size_t first = 12;
    constexpr std::size_t second = 6;
    if (contexts_) {
        const auto& to = contexts_->aggregator();
        sequencer_.look_ahead(first, [&](const record_of& r) { to.fetch_first(r); });
        sequencer_.look_ahead(second, [&](const record_of& r) { to.fetch_second(r); });
    }
}

void io_loop::feed(const record_view& record, time_point now) {
    if (close_at_ && steady::now() >= *close_at_) [[unlikely]] { // a pass may take long
        if (json_.concerns(record.shape)) {
            take_json(record); // and free it
        }
        lose(reason::shutdown, 1);
        ++shut_out_;
        return;
    }
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
        // Nothing can be derived from it either.
        const auto why = verdict == json_texts::verdict::bad ? reason::bad_json : reason::memory;
        contexts_ ? contexts_->lose(why, 1) : rest_ ? rest_->lose(why, 1) : metrics_->lose(why, 1);
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
    const auto wall = to_wall_(record.stamp);
    if (record.context != nullptr && record.context->series != nullptr) {
        if (metrics_) {
            metrics_->feed_series(record, wall, present_, now);
        }
        return;
    }
    if (contexts_) {
        contexts_->feed(record, wall, now);
        keep_within_memory_behind(contexts_->out());
    } else if (rest_) {
        rest_->feed(record, now);
        keep_within_memory_behind(rest_->out());
    }
    if (metrics_ && !metrics_->feed_context(record, wall, present_, now) && !contexts_ && !rest_) {
        metrics_->feed_nothing();
    }
}

void io_loop::seal_all(time_point now) {
    if (contexts_) {
        contexts_->seal(now);
    }
    if (rest_) {
        rest_->seal(now);
    }
    if (metrics_) {
        metrics_->seal_all(present_, now);
    }
}

std::size_t io_loop::lists_memory_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto* one : lanes_) {
        bytes += one->list().memory_bytes();
    }
    return bytes;
}

bool io_loop::lists_are_empty() const noexcept {
    return std::all_of(
        lanes_.begin(), lanes_.end(), [](const lane* one) { return one->list().is_empty(); });
}

// Section 8 of delivery.md: what queue, batches and contexts leave is for payloads; the oldest goes
// first, of the destination that holds the most: one that is down takes nothing from the other.
void io_loop::keep_within_memory() {
    const auto stages = (contexts_ ? contexts_->memory_bytes() : 0) +
                        (rest_ ? rest_->memory_bytes() : 0) +
                        (metrics_ ? metrics_->memory_bytes() : 0);
    const auto copies = sequencer_.memory_bytes() + json_.memory_bytes();
    const auto others = queue_.memory_bytes() + copies + stages;
    const auto left = options_.memory_limit > others ? options_.memory_limit - others : 0;
    while (lists_memory_bytes() > left) {
        auto by_size = lanes_;
        std::sort(by_size.begin(), by_size.end(), [](const lane* a, const lane* b) {
            return a->list().memory_bytes() > b->list().memory_bytes();
        });
        const auto dropping = std::find_if(by_size.begin(), by_size.end(), [](lane* one) {
            return one->drop_oldest_for_memory();
        });
        if (dropping == by_size.end()) {
            break; // all of it is in flight
        }
        (*dropping)->say_memory_is_full(options_.memory_limit);
    }
    tell_lost_classes_again();
    share_memory(copies + stages + lists_memory_bytes());
}

// A pass may seal more than there is room for.
void io_loop::keep_within_memory_behind(const lane& filled) {
    if (filled.list().memory_bytes() > options_.memory_limit / 4) {
        keep_within_memory();
    }
}

void io_loop::share_memory(std::size_t held_by_others) noexcept {
    const auto reserve = reserve_of(options_);
    queue_.set_other_memory(std::max(held_by_others, reserve));
    const auto taken = std::min(options_.memory_limit, queue_.memory_bytes() + reserve);
    const auto unclaimed = options_.memory_limit - taken;
    const auto extra = std::min(unclaimed / 2, options_.memory_limit / 4) /
                       std::size_t{contexts_ && metrics_ ? 2u : 1u};
    // Until the next call each grows by its part of the reserve at most: the queue, which grows at
    // the same time, has been told what they hold.
    if (contexts_) {
        contexts_->aggregator().set_max_context_bytes(
            reserve / 4 + std::min(extra, contexts_->memory_bytes()));
    }
    if (metrics_) {
        metrics_->set_max_collected_bytes(reserve / 8 + std::min(extra, metrics_->memory_bytes()));
    }
}

void io_loop::tell_lost_classes_again() {
    if (contexts_) {
        contexts_->tell_lost_classes_again();
    }
}

void io_loop::pump() {
    for (auto* one : lanes_) {
        one->pump();
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
    if (has_ended_) {
        request->promise.set_value(final_result_);
        return;
    }
    request->mark = queue_.clock().now_after_loads();
    flushes_.push_back(std::move(request));
    tick_soon();
}

// Whether somebody waits until the passes have come far enough.
bool io_loop::waits_for_queue() const noexcept {
    return (close_at_ && !is_all_sealed_) ||
           std::any_of(
               flushes_.begin(), flushes_.end(), [](const auto& one) { return !one->is_watched; });
}

// What is open is sealed when a flush's mark is reached or its time is over, and when close finds
// the queue empty. From then on it is delivery's.
void io_loop::seal_for_requests(std::uint64_t complete_up_to, time_point now) {
    // A coarse clock gives several records one stamp.
    const auto is_reached = [&](const flush_request& one) { return one.mark < complete_up_to; };
    const auto is_due = [&](const auto& one) {
        return !one->is_watched && (is_reached(*one) || now >= one->deadline);
    };
    const bool is_last =
        close_at_ && !is_all_sealed_ && sequencer_.count() == 0 && queue_.is_empty();
    if (!is_last && std::none_of(flushes_.begin(), flushes_.end(), is_due)) {
        return;
    }
    seal_all(now);
    is_all_sealed_ = is_all_sealed_ || is_last;
    for (auto& one : flushes_) {
        if (is_due(one)) {
            begin_watch(*one, is_reached(*one) ? 0 : queue_.counts().accepted - fed_);
        }
    }
}

void io_loop::begin_watch(flush_request& request, std::uint64_t still_queued) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        lanes_[i]->list().begin(request.watches[i]);
    }
    auto& barrier = request.at_barrier;
    const auto add = [&](const auto& stage) {
        barrier.accepted += stage.routed() + still_queued;
        barrier.filtered += stage.filtered();
        barrier.dropped += stage.dropped_before_sealing();
        barrier.pending += still_queued;
    };
    if (contexts_) {
        add(*contexts_);
    }
    if (rest_) {
        add(*rest_);
    }
    if (metrics_) {
        add(*metrics_);
    }
    request.is_watched = true;
}

flush_result io_loop::result_of(const flush_request& request) const {
    auto result = request.at_barrier;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const auto& counts = request.watches[i].counts();
        result.delivered += counts.delivered;
        result.delivered_unacked += counts.delivered_unacked;
        result.dead += counts.dead;
        result.dropped += counts.dropped;
        result.pending += lanes_[i]->list().pending(request.watches[i]);
    }
    return result;
}

void io_loop::answer_flushes(time_point now) {
    std::erase_if(flushes_, [&](const std::unique_ptr<flush_request>& one) {
        if (!one->is_watched) {
            return false;
        }
        bool is_over = one->at_barrier.pending == 0;
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            is_over = is_over && lanes_[i]->list().is_over(one->watches[i]);
        }
        if (!is_over && now < one->deadline) {
            return false;
        }
        auto result = result_of(*one);
        if (!is_over) {
            result.error = errc::timed_out;
        }
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            lanes_[i]->list().end(one->watches[i]);
        }
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
        for (auto* one : lanes_) {
            one->retry_now();
        }
        pump();
    });
}

void io_loop::with_rest(const std::function<void(rest_stage&)>& work) {
    auto promise = std::make_shared<std::promise<void>>();
    auto done = promise->get_future();
    const bool is_posted = post([this, promise, &work] {
        if (rest_ && !has_ended_) {
            work(*rest_);
        }
        promise->set_value();
    });
    if (is_posted) {
        done.wait();
    }
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
                     lists_memory_bytes();
    s.utf8_repaired = json_.counts().utf8_repaired;
    s.bad_json_fields = json_.counts().bad_fields;
    const auto queued = counts.accepted - fed_;
    if (contexts_) {
        contexts_->fill(s, queued);
        s.memory_bytes += contexts_->memory_bytes();
    }
    if (rest_) {
        rest_->fill(s, queued);
        s.memory_bytes += rest_->memory_bytes();
    }
    if (metrics_) {
        metrics_->fill(s, queued);
        s.memory_bytes += metrics_->memory_bytes();
    }
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
    close_at_ = deadline; // first: whatever happens below, the thread ends then
    for (auto* one : lanes_) {
        one->close_by(deadline);
    }
    tick_soon();
}

// What close_timeout left no time for. JSON texts in the queue are looked for, to be freed.
void io_loop::lose_queued() {
    struct : queue::record_taker {
        std::uint64_t records = 0;
        void take(queued_record record) noexcept override {
            take_json(record.view());
            ++records;
        }
    } lost;
    sequencer_.take_up_to(everything, [&](const record_view& record) {
        take_json(record);
        ++lost.records;
    });
    for (auto before = everything; queue_.holds_json() && lost.records != before;) {
        before = lost.records;
        queue_.drain(lost, everything, most_slots_a_pass);
    }
    const auto rest = lost.records + queue_.discard();
    lose(reason::shutdown, rest);
    shut_out_ += rest;
    if (shut_out_ != 0) {
        log_(
            log_level::warning,
            fmt::format("queue: close_timeout is over: {} records dropped (shutdown)", shut_out_));
    }
}

// All is delivered, or the deadline is there.
void io_loop::finish(time_point now) {
    reminder_.cancel();
    lose_queued();
    retire(everything);
    seal_all(now);
    for (auto& one : flushes_) {
        if (!one->is_watched) {
            begin_watch(*one, 0);
        }
    }
    auto left = shut_out_;
    for (auto* one : lanes_) {
        left += one->list().ready_records() + one->list().in_flight_records();
        one->abandon_rest();
    }
    answer_flushes(now);

    const std::lock_guard guard(ended_lock_);
    final_stats_ = snapshot();
    final_result_ = {};
    for (const auto& d : final_stats_.destinations) {
        final_result_.accepted += d.accepted;
        final_result_.delivered += d.delivered;
        final_result_.delivered_unacked += d.delivered_unacked;
        final_result_.dead += d.dead.total();
        final_result_.dropped += d.dropped.total();
        final_result_.filtered += d.filtered.total();
        final_result_.pending += d.pending;
    }
    if (left != 0) {
        final_result_.error = errc::timed_out;
    }
    has_ended_ = true;
    io_.stop();
}

} // namespace monarc::pipeline
