#include "pipeline/metrics_stage.hpp"

#include "core/context_entry.hpp"
#include "core/fields.hpp"
#include "core/record_class.hpp"
#include "core/utf8.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace monarc::pipeline {
namespace {

constexpr std::int64_t nanoseconds_per_millisecond = 1'000'000;

// What a field of value_meta is sent as: Monasca's threshold engine takes texts only.
std::string text_of(const field_view& field) {
    switch (field.type) {
    case detail::value_type::boolean: return field.word != 0 ? "true" : "false";
    case detail::value_type::integer:
        return fmt::format("{}", static_cast<std::int64_t>(field.word));
    case detail::value_type::natural: return fmt::format("{}", field.word);
    case detail::value_type::real: return fmt::format("{}", field.real());
    default: return {};
    }
}

} // namespace

metrics_stage::metrics_stage(
    std::unique_ptr<destinations::monasca> to,
    const aggregate::series_table_settings& settings,
    aggregate::deriver derive,
    logger& log,
    std::function<void()> sealed,
    time_point now)
    : destination_(std::move(to)), table_(settings), derive_(std::move(derive)), log_(log),
      tell_sealed_(std::move(sealed)), interval_(settings.interval),
      interval_ends_(now + settings.interval) {}

// When memory runs out all that is open is lost, counted; never the thread.
template <class Work>
void metrics_stage::guarded(Work&& work) noexcept {
    try {
        work();
    } catch (...) {
        table_.drop_all();
        const auto settled =
            sealed_ + table_.counts().dropped.total() + dropped_.total() + filtered_.total();
        dropped_[reason::memory] += routed_ - settled;
    }
}

void metrics_stage::make_room(time_point now) {
    if (table_.is_full()) {
        seal(now);
    }
    if (table_.open_batch().is_empty()) {
        table_.set_since(now);
    }
}

void metrics_stage::feed_series(
    const record_view& record, std::int64_t wall, std::int64_t present, time_point now) {
    ++routed_;
    guarded([&] {
        if (record.shape == 0) {
            ++dropped_[reason::memory];
            return;
        }
        const auto& series = record.context->series;
        values_.values.clear();
        values_.meta.clear();
        visit_shape(shape_of_number(record.shape), record.body, [&](const field_view& field) {
            ++fields_;
            if (values_.values.empty()) { // the first is the value; a duration is an integer
                const auto value =
                    field.type == detail::value_type::integer
                        ? static_cast<double>(static_cast<std::int64_t>(field.word)) /
                              series->nanoseconds_per_unit
                        : field.real();
                values_.values.push_back({.name = 0, .value = value});
            } else if (
                series->kind == series_kind::every && field.type != detail::value_type::null) {
                auto text = text_of(field);
                if (field.type == detail::value_type::text) {
                    repaired_ += append_utf8(field.text, text) ? 1 : 0;
                }
                values_.meta.emplace_back(name_of(field.key).text, std::move(text));
            }
        });
        const bool has_own_time = record.when != detail::no_time;
        make_room(now);
        table_.add(
            series,
            values_,
            (has_own_time ? record.when : wall) / nanoseconds_per_millisecond,
            has_own_time,
            present / nanoseconds_per_millisecond);
        evict(present, now);
    });
}

bool metrics_stage::feed_context(
    const record_view& record, std::int64_t wall, std::int64_t present, time_point now) {
    if (derive_.is_empty()) {
        return false;
    }
    const auto class_name = class_of(record);
    if (!derive_.wants(class_name)) {
        return false;
    }
    if (record.context != nullptr) {
        const auto closed_at = record.context->closed_at.load(std::memory_order_acquire);
        if (closed_at != 0 && record.stamp > closed_at) {
            lose(reason::closed_context);
            return true;
        }
    }
    ++routed_;
    guarded([&] {
        const auto& made = derive_.derive(class_name, record);
        if (made.empty()) {
            ++filtered_[reason::empty];
            return;
        }
        const bool has_own_time = record.when != detail::no_time;
        for (const auto& one : made) {
            make_room(now);
            table_.add(
                one.to,
                one.values,
                (has_own_time ? record.when : wall) / nanoseconds_per_millisecond,
                has_own_time,
                present / nanoseconds_per_millisecond);
        }
        evict(present, now);
    });
    return true;
}

void metrics_stage::end_interval(std::int64_t present, time_point now) {
    if (table_.open_batch().is_empty()) {
        table_.set_since(now);
    }
    while (!table_.end_interval(present / nanoseconds_per_millisecond)) {
        seal(now);
    }
    derive_.forget_unused();
}

void metrics_stage::evict(std::int64_t present, time_point now) {
    while (table_.is_crowded()) {
        make_room(now);
        table_.evict_one(present / nanoseconds_per_millisecond);
    }
}

void metrics_stage::turn(std::int64_t present, time_point now) {
    guarded([&] {
        if (now >= interval_ends_) {
            end_interval(present, now);
            seal(now);
            interval_ends_ += interval_ * ((now - interval_ends_) / interval_ + 1);
        }
        if (table_.is_due(now)) {
            seal(now);
        }
    });
}

void metrics_stage::seal_all(std::int64_t present, time_point now) {
    guarded([&] {
        end_interval(present, now);
        seal(now);
    });
}

void metrics_stage::seal(time_point now) {
    if (!table_.open_batch().is_empty()) {
        auto encoded = destination_->encode(table_.open_batch(), now);
        const auto records = encoded.records;
        lane_->list().append(std::move(encoded), now);
        sealed_ += records;
        table_.clear_batch();
        tell_sealed_();
    }
    table_.set_max_bytes(lane_->list().working_bytes());
    table_.set_since(now);
}

void metrics_stage::fill(exporter_stats& all, std::uint64_t queued) const {
    const auto& collected = table_.counts();
    all.merged += collected.merged;
    all.fields += fields_;
    all.same_millisecond += collected.same_millisecond;
    all.utf8_repaired += repaired_;
    all.repaired_dimensions += derive_.repaired() + derive_.left_out();
    all.live_series += table_.live_series();

    ahead_of_list ahead{
        .routed = routed_, .queued = queued, .open = table_.open_records(), .dropped = dropped_};
    ahead.dropped += collected.dropped;
    auto& d = lane_->fill(all, ahead);
    d.filtered = filtered_;
    d.events = collected.measurements;
    d.retry_after_bad = destination_->retry_after_bad();
    d.retry_after_clamped = destination_->retry_after_clamped();
    d.doubtful_acks = destination_->wire().counts().doubtful_acks;
    d.logins = destination_->logins();
    d.failed_logins = destination_->failed_logins();
}

} // namespace monarc::pipeline
