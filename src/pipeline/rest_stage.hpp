#pragma once

// Records of contexts on their way to Mona's REST interface: sampled, made JSON, merged, encoded,
// delivered.

#include "aggregate/rest_aggregator.hpp"
#include "core/log.hpp"
#include "core/record_view.hpp"
#include "destinations/mona_rest.hpp"
#include "pipeline/context_sampler.hpp"
#include "pipeline/lane.hpp"
#include "pipeline/rest_rows.hpp"

#include <monarc/stats.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace monarc::pipeline {

// Threads: the I/O thread.
class rest_stage {
public:
    using time_point = std::chrono::steady_clock::time_point;

    rest_stage(
        std::unique_ptr<destinations::mona_rest> to,
        const aggregate::rest_settings& settings,
        context_sampler sampler,
        logger& log)
        : destination_(std::move(to)), aggregator_(settings), sampler_(std::move(sampler)),
          log_(log) {}

    // Before anything else is called.
    lane& open_lane(std::unique_ptr<lane> made) { return *(lane_ = std::move(made)); }
    lane& out() noexcept { return *lane_; }
    destinations::mona_rest& destination() noexcept { return *destination_; }
    context_sampler& sampler() noexcept { return sampler_; }

    void feed(const record_view& record, time_point now);
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

    bool has_open() const noexcept { return aggregator_.has_open(); }
    std::uint64_t routed() const noexcept { return routed_; }
    std::uint64_t dropped_before_sealing() const noexcept { return dropped_.total(); }
    std::uint64_t filtered() const noexcept { return aggregator_.counts().filtered.total(); }
    std::size_t memory_bytes() const noexcept {
        return aggregator_.memory_bytes() + rows_.memory_bytes();
    }
    // `queued`: not taken off the queue yet.
    void fill(exporter_stats& all, std::uint64_t queued) const;

private:
    void add(const record_view& record, time_point now);
    bool is_kept(const record_view& record, const rest_row& row);

    std::unique_ptr<destinations::mona_rest> destination_;
    aggregate::rest_aggregator aggregator_;
    context_sampler sampler_;
    rest_rows rows_;
    logger& log_;
    std::unique_ptr<lane> lane_; // its attempts use the destination
    std::uint64_t routed_ = 0;
    std::uint64_t events_ = 0;
    reason_counts dropped_; // before they reached the list
};

} // namespace monarc::pipeline
