#pragma once

// The I/O thread: drains, aggregates, encodes, delivers. The only place that knows every stage.

#include "aggregate/sequencer.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "pipeline/contexts_stage.hpp"
#include "pipeline/json_texts.hpp"
#include "pipeline/lane.hpp"
#include "pipeline/metrics_stage.hpp"
#include "pipeline/rest_stage.hpp"
#include "queue/record_queue.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace monarc::pipeline {

class io_loop final : private queue::record_taker {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Starts the thread. Fails: throws std::system_error with the system's code.
    io_loop(const exporter_options& options, queue::record_queue& queue);
    ~io_loop() = default;
    io_loop(const io_loop&) = delete;
    io_loop& operator=(const io_loop&) = delete;

    // --- any thread ---
    flush_result flush(std::chrono::milliseconds timeout);
    flush_result close(std::chrono::milliseconds timeout);
    exporter_stats stats();
    void retry_now();
    // Runs `work` on the thread and waits for it; not at all without Mona's REST interface.
    void with_rest(const std::function<void(rest_stage&)>& work);
    boost::asio::io_context::executor_type executor() noexcept { return io_.get_executor(); }
    bool is_own_thread() const noexcept { return std::this_thread::get_id() == own_id_.load(); }

private:
    static constexpr std::size_t max_lanes = 2;

    // Somebody waits until everything up to a mark is settled.
    struct flush_request {
        time_point deadline;
        std::uint64_t mark = 0;  // a stamp: what was pushed up to it is covered
        bool is_watched = false; // all of that was sealed, or the time is over
        std::promise<flush_result> promise;
        std::array<delivery::delivery_list::watch, max_lanes> watches; // one for each lane
        flush_result at_barrier; // what was settled before it reached a list
    };

    void run() noexcept;
    void serve_until_tick();
    void tick_in_a_handler();
    void tick();
    bool is_idle() const noexcept;
    bool rests_on() noexcept;
    void poll_in(std::chrono::milliseconds interval) noexcept;
    void tick_soon() noexcept; // the next turn comes as soon as the sockets had theirs
    void carry_on() noexcept;
    std::uint64_t pass(time_point now, std::uint64_t newest);
    void take(queued_record record) noexcept override;
    void fetch_ahead() const noexcept;
    void feed(const record_view& record, time_point now);
    void feed_json(record_view record, time_point now);
    void add(const record_view& record, time_point now);
    void lose(reason why, std::uint64_t records) noexcept;
    void open_stages();
    void open_rest(const mona_rest_options& rest);
    void seal_all(time_point now);
    void keep_within_memory();
    void keep_within_memory_behind(const lane& filled);
    void share_memory(std::size_t held_by_others) noexcept;
    void tell_lost_classes_again();
    void pump();
    std::size_t lists_memory_bytes() const noexcept;
    bool lists_are_empty() const noexcept;
    void retire(std::uint64_t complete_up_to);

    void begin_flush(std::unique_ptr<flush_request> request);
    void begin_close(time_point deadline);
    bool waits_for_queue() const noexcept;
    void seal_for_requests(std::uint64_t complete_up_to, time_point now);
    void begin_watch(flush_request& request, std::uint64_t still_queued);
    void answer_flushes(time_point now);
    flush_result result_of(const flush_request& request) const;
    void remind_of_unverified_peers();
    void lose_queued();
    void finish(time_point now);
    exporter_stats snapshot();
    exporter_stats last_stats();

    template <class Work>
    bool post(Work work);

    exporter_options options_;
    queue::record_queue& queue_;
    logger log_;
    stamp_to_wall to_wall_;
    std::mt19937_64 random_;

    boost::asio::io_context io_{1};
    boost::asio::steady_timer reminder_{io_};
    // So that waiting for nothing but the next turn is waiting.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    time_point next_tick_{};
    bool is_tick_posted_ = false;
    std::chrono::milliseconds interval_{1};
    bool is_resting_ = false; // the last turn found nothing to do

    std::size_t slots_a_pass_; // shared by the threads that have something
    aggregate::sequencer sequencer_;
    json_texts json_;
    repeated_failure bad_json_;
    repeated_failure bad_json_field_;
    std::optional<contexts_stage> contexts_; // Mona's forward protocol
    std::optional<rest_stage> rest_;         // or its REST interface; without Mona: neither
    std::optional<metrics_stage> metrics_;   // without Monasca: none
    std::vector<lane*> lanes_;               // theirs
    std::uint64_t fed_ = 0;                  // records taken off the queue
    std::int64_t present_ = 0;               // nanoseconds since 1970, when the pass began

    struct retired_context {
        detail::context_entry* entry;
        std::uint64_t stamp;
        bool has_no_handle;
    };
    std::vector<retired_context> retired_;
    std::vector<std::unique_ptr<flush_request>> flushes_;
    std::optional<time_point> close_at_;
    bool is_all_sealed_ = false; // since the gate was shut: nothing is queued or open any more
    std::uint64_t shut_out_ = 0; // records that were still queued at close_at_

    std::mutex ended_lock_;
    bool has_ended_ = false;
    exporter_stats final_stats_;
    flush_result final_result_;

    std::mutex close_lock_; // one closer at a time; the others see what it saw
    bool is_closed_ = false;
    std::atomic<std::thread::id>
        own_id_{};       // while it runs; thread_ itself changes when it is joined
    std::thread thread_; // last: it uses everything above
};

} // namespace monarc::pipeline
