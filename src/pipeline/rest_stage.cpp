#include "pipeline/rest_stage.hpp"

#include "core/context_entry.hpp"

#include <fmt/format.h>

#include <new>
#include <utility>

namespace monarc::pipeline {

void rest_stage::feed(const record_view& record, time_point now) {
    ++routed_;
    try {
        add(record, now);
    } catch (const std::bad_alloc&) {
        dropped_[reason::memory] += aggregator_.open_batch().records + 1;
        aggregator_.clear_batch();
    }
}

// D-4.8: an opened context is kept or left out once for all, also one without an id.
bool rest_stage::is_kept(const record_view& record, const rest_row& row) {
    using enum detail::context_entry::sampling;
    if (record.context == nullptr) {
        return sampler_.keeps(row.class_name, row.id);
    }
    auto& known = record.context->sampled;
    if (known == unknown) {
        known = sampler_.keeps(row.class_name, row.id) ? kept : left_out;
    }
    return known == kept;
}

void rest_stage::add(const record_view& record, time_point now) {
    if (record.shape == 0) {
        ++dropped_[reason::memory];
        return;
    }
    if (record.context != nullptr) {
        const auto closed_at = record.context->closed_at.load(std::memory_order_acquire);
        if (closed_at != 0 && record.stamp > closed_at) {
            ++dropped_[reason::closed_context];
            return;
        }
    }
    const auto& row = rows_.begin(record);
    if (sampler_.is_active() && !is_kept(record, row)) {
        aggregator_.counts().fields += rest_rows::field_count(record);
        ++aggregator_.counts().filtered[reason::sampled_out];
        return;
    }
    rows_.finish(record);
    while (!aggregator_.add(row, now)) {
        seal(now);
    }
}

void rest_stage::seal(time_point now) {
    const auto& open = aggregator_.open_batch();
    if (open.is_empty()) {
        return;
    }
    auto encoded = destination_->encode(open);
    if (encoded) {
        events_ += open.entries.size();
        lane_->list().append(std::move(*encoded), now);
    } else {
        dropped_[reason::memory] += open.records;
        log_(
            log_level::error,
            fmt::format(
                "mona_rest: encode {} records: {}; dropped",
                open.records,
                encoded.error().message()));
    }
    aggregator_.clear_batch();
    aggregator_.set_max_bytes(lane_->list().working_bytes());
}

void rest_stage::fill(exporter_stats& all, std::uint64_t queued) const {
    const auto& aggregated = aggregator_.counts();
    all.merged += aggregated.merged;
    all.fields += aggregated.fields;
    all.stripped_fields += aggregated.stripped_fields;
    all.overwritten_fields += aggregated.overwritten_fields;
    all.not_finite_fields += aggregated.not_finite_fields + rows_.not_finite_inside();
    all.utf8_repaired += rows_.utf8_repaired();

    auto& d = lane_->fill(
        all,
        {.routed = routed_,
         .queued = queued,
         .open = aggregator_.open_batch().records,
         .dropped = dropped_});
    d.filtered = aggregated.filtered;
    d.events = events_;
    d.retry_after_bad = destination_->retry_after_bad();
    d.retry_after_clamped = destination_->retry_after_clamped();
    d.logins = destination_->tokens().logins();
    d.failed_logins = destination_->tokens().failed_logins();
}

} // namespace monarc::pipeline
