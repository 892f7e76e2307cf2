#pragma once

// Records of contexts on their way to Mona: merged, encoded, delivered.

#include "aggregate/aggregator.hpp"
#include "core/log.hpp"
#include "destinations/mona_forward.hpp"
#include "pipeline/lane.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace monarc::pipeline {

// Threads: the I/O thread.
class contexts_stage {
public:
    using time_point = std::chrono::steady_clock::time_point;

    contexts_stage(
        std::unique_ptr<destinations::mona_forward> to,
        const aggregate::aggregator_settings& settings,
        logger& log)
        : destination_(std::move(to)), aggregator_(settings), log_(log) {}

    // Before anything else is called.
    lane& open_lane(std::unique_ptr<lane> made) { return *(lane_ = std::move(made)); }
    lane& out() noexcept { return *lane_; }
    destinations::mona_forward& destination() noexcept { return *destination_; }
    aggregate::aggregator& aggregator() noexcept { return aggregator_; }
    const aggregate::aggregator& aggregator() const noexcept { return aggregator_; }

    void feed(const record_view& record, std::int64_t wall, time_point now);
    // Records are lost before they got here.
    void lose(reason why, std::uint64_t records) noexcept {
        routed_ += records;
        dropped_[why] += records;
    }
    void seal(time_point now);
    void seal_if_due(time_point now) {
        if (aggregator_.is_due(now)) {
            seal(now);
        }
    }
    // A payload was lost that may have held class messages.
    void tell_lost_classes_again() {
        if (lane_->list().take_lost_class_messages()) {
            aggregator_.tell_classes_again();
        }
    }

    bool has_open() const noexcept { return aggregator_.has_open(); }
    std::uint64_t routed() const noexcept { return routed_; }
    std::uint64_t dropped_before_sealing() const noexcept {
        return aggregator_.counts().dropped.total() + dropped_.total();
    }
    std::uint64_t filtered() const noexcept { return aggregator_.counts().filtered.total(); }
    std::size_t memory_bytes() const noexcept { return aggregator_.memory_bytes(); }
    // `queued`: not taken off the queue yet.
    void fill(exporter_stats& all, std::uint64_t queued) const;

private:
    std::unique_ptr<destinations::mona_forward> destination_;
    aggregate::aggregator aggregator_;
    logger& log_;
    std::unique_ptr<lane> lane_; // its attempts use the destination
    std::uint64_t routed_ = 0;
    std::uint64_t events_ = 0;
    reason_counts dropped_; // neither the aggregator's nor the list's
};

} // namespace monarc::pipeline
