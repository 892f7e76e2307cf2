#pragma once

// The I/O thread: drains, aggregates, encodes, delivers. The only place that knows every stage.

#include "aggregate/aggregator.hpp"
#include "aggregate/sequencer.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "delivery/delivery.hpp"
#include "destinations/mona_forward.hpp"
#include "pipeline/json_texts.hpp"
#include "queue/record_queue.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <list>
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
    bool is_own_thread() const noexcept { return std::this_thread::get_id() == own_id_.load(); }

private:
    // Somebody waits until everything up to a barrier is settled.
    struct flush_request {
        time_point deadline;
        std::promise<flush_result> promise;
        delivery::delivery_list::watch watch;
        flush_result at_barrier; // what was settled before it reached a destination
    };

    void run() noexcept;
    void tick();
    bool is_idle() const noexcept;
    void poll_in(std::chrono::milliseconds interval);
    void carry_on() noexcept;
    std::uint64_t pass(time_point now, std::uint64_t newest);
    void drain_everything(time_point now);
    void take(queued_record record) noexcept override;
    void fetch_ahead() const noexcept;
    void feed(const record_view& record, time_point now);
    void feed_json(record_view record, time_point now);
    void add(const record_view& record, time_point now);
    void seal(time_point now);
    void keep_within_memory();
    void share_memory(std::size_t held_by_others) noexcept;
    void tell_lost_classes_again();
    void pump();
    void split_suspect();
    boost::asio::awaitable<void>
    send_one(std::uint64_t attempt, std::shared_ptr<const payload> what);
    void log_outcome(const outcome& result, const payload& what, time_point now);
    void retire(std::uint64_t complete_up_to);

    void begin_flush(std::unique_ptr<flush_request> request);
    void begin_close(time_point deadline);
    void answer_flushes(time_point now);
    flush_result result_of(const flush_request& request) const;
    void finish(bool is_late);
    exporter_stats snapshot();
    exporter_stats last_stats();
    double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

    template <class Work>
    bool post(Work work);

    exporter_options options_;
    queue::record_queue& queue_;
    logger log_;
    stamp_to_wall to_wall_;
    std::mt19937_64 random_;

    boost::asio::io_context io_{1};
    boost::asio::steady_timer poll_{io_};
    std::chrono::milliseconds interval_{1};
    bool is_resting_ = false; // the last turn found nothing to do

    std::size_t slots_a_pass_; // shared by the threads that have something
    aggregate::sequencer sequencer_;
    json_texts json_;
    repeated_failure bad_json_;
    repeated_failure bad_json_field_;
    std::optional<aggregate::aggregator> aggregator_;
    std::unique_ptr<destinations::mona_forward> destination_;
    delivery::delivery_list list_;
    repeated_failure failing_;
    repeated_failure overflowing_;
    std::string last_error_;
    bool has_advised_ = false; // to switch acknowledgements off
    std::uint64_t fed_ = 0;    // records taken off the queue and handed to the aggregator
    std::uint64_t events_ = 0;
    reason_counts dropped_; // neither the aggregator's nor the list's
    std::size_t sends_ = 0;

    struct retired_context {
        detail::context_entry* entry;
        std::uint64_t stamp;
        bool has_no_handle;
    };
    std::vector<retired_context> retired_;
    std::vector<std::unique_ptr<flush_request>> flushes_;
    std::optional<time_point> close_at_;

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
