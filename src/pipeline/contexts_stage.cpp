#include "pipeline/contexts_stage.hpp"

#include <fmt/format.h>

#include <new>
#include <utility>

namespace monarc::pipeline {

void contexts_stage::feed(const record_view& record, std::int64_t wall, time_point now) {
    ++routed_;
    try {
        while (!aggregator_.add(record, wall, now)) {
            seal(now);
        }
    } catch (const std::bad_alloc&) {
        dropped_[reason::memory] += aggregator_.open_batch().records + 1;
        aggregator_.clear_batch();
        aggregator_.tell_classes_again();
    }
}

void contexts_stage::seal(time_point now) {
    const auto& open = aggregator_.open_batch();
    if (open.is_empty()) {
        return;
    }
    auto encoded = destination_->encode(open);
    if (encoded) {
        events_ += open.entries.size();
        lane_->list().append(std::move(*encoded), now);
    } else {
        dropped_
            [encoded.error() == std::errc::not_enough_memory ? reason::memory : reason::internal] +=
            open.records;
        aggregator_.tell_classes_again();
        log_(
            log_level::error,
            fmt::format(
                "mona_forward: encode {} records: {}; dropped",
                open.records,
                encoded.error().message()));
    }
    aggregator_.clear_batch();
}

void contexts_stage::fill(exporter_stats& all, std::uint64_t queued) const {
    const auto& aggregated = aggregator_.counts();
    const auto& wire = destination_->wire().counts();
    all.merged += aggregated.merged;
    all.fields += aggregated.fields;
    all.stripped_fields += aggregated.stripped_fields;
    all.overwritten_fields += aggregated.overwritten_fields + wire.overwritten_fields;
    all.utf8_repaired += aggregated.utf8_repaired + wire.utf8_repaired;
    all.class_messages += aggregated.class_messages;
    all.live_contexts += aggregator_.live_contexts();
    all.evicted_contexts += aggregated.evicted_contexts;

    ahead_of_list ahead{
        .routed = routed_,
        .queued = queued,
        .open = aggregator_.open_batch().records,
        .dropped = dropped_};
    ahead.dropped += aggregated.dropped;
    auto& d = lane_->fill(all, ahead);
    d.filtered = aggregated.filtered;
    d.events = events_;
}

} // namespace monarc::pipeline
