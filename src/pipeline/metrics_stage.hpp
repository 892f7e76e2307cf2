#pragma once

// Values of series, and what is derived from contexts, on their way to Monasca: collected for an
// interval, encoded, delivered.

#include "aggregate/deriver.hpp"
#include "aggregate/series_table.hpp"
#include "core/log.hpp"
#include "destinations/monasca.hpp"
#include "pipeline/lane.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace monarc::pipeline {

// Threads: the I/O thread.
class metrics_stage {
public:
    using time_point = std::chrono::steady_clock::time_point;

    metrics_stage(
        std::unique_ptr<destinations::monasca> to,
        const aggregate::series_table_settings& settings,
        aggregate::deriver derive,
        logger& log,
        std::function<void()> sealed, // called when a payload more is in the list
        time_point now);

    // Before anything else is called.
    lane& open_lane(std::unique_ptr<lane> made) { return *(lane_ = std::move(made)); }
    lane& out() noexcept { return *lane_; }

    // A record of a series. `wall` is the moment of the push, `present` now, in nanoseconds since
    // 1970.
    void
    feed_series(const record_view& record, std::int64_t wall, std::int64_t present, time_point now);
    // A record of a context, if some rule wants its class. Returns: whether one does.
    bool feed_context(
        const record_view& record, std::int64_t wall, std::int64_t present, time_point now);
    // One that goes nowhere else either, without a rule for it.
    void feed_nothing() noexcept {
        ++routed_;
        ++filtered_[reason::empty];
    }
    void lose(reason why, std::uint64_t records = 1) noexcept {
        routed_ += records;
        dropped_[why] += records;
    }

    // Ends the interval when its time has come, seals the batch when it is due.
    void turn(std::int64_t present, time_point now);
    // For flush and close: all that is there, now.
    void seal_all(std::int64_t present, time_point now);

    bool has_open() const noexcept {
        return table_.has_collected() || !table_.open_batch().is_empty();
    }
    std::uint64_t routed() const noexcept { return routed_; }
    std::uint64_t dropped_before_sealing() const noexcept {
        return table_.counts().dropped.total() + dropped_.total();
    }
    std::uint64_t filtered() const noexcept { return filtered_.total(); }
    std::size_t memory_bytes() const noexcept { return table_.memory_bytes(); }
    // Delivery.md section 8: of what is collected and takes more the oldest goes early.
    void set_max_collected_bytes(std::size_t bytes) noexcept {
        table_.set_max_collected_bytes(bytes);
    }
    void fill(exporter_stats& all, std::uint64_t queued) const;

private:
    template <class Work>
    void guarded(Work&& work) noexcept;
    void make_room(time_point now);
    void end_interval(std::int64_t present, time_point now);
    void evict(std::int64_t present, time_point now);
    void seal(time_point now);

    std::unique_ptr<destinations::monasca> destination_;
    aggregate::series_table table_;
    aggregate::deriver derive_;
    logger& log_;
    std::function<void()> tell_sealed_;
    std::unique_ptr<lane> lane_; // its attempts use the destination
    std::chrono::milliseconds interval_;
    time_point interval_ends_;
    aggregate::series_values values_; // of the record in hand
    std::uint64_t routed_ = 0;
    std::uint64_t sealed_ = 0;
    std::uint64_t fields_ = 0;
    std::uint64_t repaired_ = 0;
    reason_counts dropped_;
    reason_counts filtered_;
};

} // namespace monarc::pipeline
