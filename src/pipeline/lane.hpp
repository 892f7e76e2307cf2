#pragma once

// One destination with its own list of payloads, its backoff and its log lines (D-1.1): what
// happens in one lane changes nothing in another.

#include "core/log.hpp"
#include "delivery/delivery.hpp"
#include "destinations/destination.hpp"

#include <monarc/stats.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace monarc::pipeline {

// What a stage counts in front of its list.
struct ahead_of_list {
    std::uint64_t routed = 0; // taken off the queue
    std::uint64_t queued = 0; // still on it
    std::uint64_t open = 0;   // in the batch that is being filled
    reason_counts dropped{};
};

// Threads: the I/O thread.
class lane {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // `settled` is called after each attempt.
    lane(
        boost::asio::io_context& io,
        destinations::destination& to,
        const delivery::delivery_settings& settings,
        logger& log,
        std::mt19937_64& random,
        std::function<void()> settled);

    delivery::delivery_list& list() noexcept { return list_; }
    const delivery::delivery_list& list() const noexcept { return list_; }

    // Begins whatever may be sent now.
    void pump();
    // Cuts every wait short.
    void retry_now() noexcept;
    // D-9.2: probes at once, unless the peer asked to be left alone; at the deadline no attempt
    // begins any more.
    void close_by(time_point deadline) noexcept;

    // The oldest payload that is not in flight is lost for want of memory. Returns: false if there
    // is none.
    bool drop_oldest_for_memory() { return list_.drop_oldest(reason::memory); }
    void say_memory_is_full(std::size_t limit);
    // On which payloads went out that nobody acknowledges.
    void say_connection_ended(const std::string& why) noexcept;
    // close_timeout is over.
    void abandon_rest();

    // Adds a destination to the ledger. Returns: it, for what the lane does not know.
    destination_stats& fill(exporter_stats& all, const ahead_of_list& ahead) const;

private:
    void split_suspects();
    void send_plain();
    boost::asio::awaitable<void>
    send_one(std::uint64_t attempt, std::shared_ptr<const payload> what);
    void say_failed_reload();
    void log_outcome(const outcome& result, const payload& what, time_point now);
    double uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

    boost::asio::io_context& io_;
    destinations::destination& destination_;
    delivery::delivery_list list_;
    logger& log_;
    std::mt19937_64& random_;
    std::function<void()> settled_;
    repeated_failure failing_;
    repeated_failure refusing_;
    repeated_failure overflowing_;
    repeated_failure ending_;
    std::string last_error_;
    std::uint64_t failed_reloads_ = 0; // that were said
    bool has_advised_ = false;         // to switch acknowledgements off
    std::optional<time_point> stop_at_;
};

} // namespace monarc::pipeline
