#include "aggregate/series_table.hpp"

#include <algorithm>
#include <cmath>

namespace monarc::aggregate {
namespace {

constexpr std::size_t usual_wire_bytes = 64; // of a measurement beside its names and dimensions

std::size_t wire_bytes_of(const monasca_rules::text_pairs& texts) {
    std::size_t bytes = 0;
    for (const auto& [key, value] : texts) {
        bytes += key.size() + value.size() + 6;
    }
    return bytes;
}

std::size_t wire_bytes_of(const series_definition& of, std::uint32_t name) {
    return usual_wire_bytes + of.names[name].size() + wire_bytes_of(of.dimensions);
}

// Of all that it sends when an interval ends.
std::size_t wire_bytes_of(const series_definition& of) {
    std::size_t bytes = 0;
    for (std::uint32_t name = 0; name < of.names.size(); ++name) {
        bytes += wire_bytes_of(of, name);
    }
    return bytes * statistic_count(of);
}

} // namespace

series_table::series_table(const series_table_settings& settings)
    : settings_(settings), max_bytes_(settings.max_bytes) {}

std::size_t series_table::moment_hash::operator()(const moment& m) const noexcept {
    constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15u; // 2^64 over the golden ratio
    auto hash = reinterpret_cast<std::uintptr_t>(m.of) * odd;
    hash = (hash ^ static_cast<std::uint64_t>(m.milliseconds) ^ hash >> 32) * odd;
    return static_cast<std::size_t>((hash ^ hash >> 32) + m.name);
}

void series_table::accumulator::add(double value, const series_definition& of) {
    ++count;
    sum += value;
    min = std::min(min, value);
    max = std::max(max, value);
    last = value;
    if (!of.percentiles.empty()) {
        if (histogram == nullptr) {
            histogram = std::make_unique<value_histogram>();
        }
        histogram->add(value);
    }
}

std::size_t series_table::accumulator::memory_bytes() const noexcept {
    return histogram != nullptr ? histogram->memory_bytes() : 0;
}

void series_table::add(
    const std::shared_ptr<series_definition>& to,
    const series_values& record,
    std::int64_t at,
    bool has_own_time,
    std::int64_t now) {
    const bool has_value =
        std::any_of(record.values.begin(), record.values.end(), [](const series_values::one& one) {
            return std::isfinite(one.value);
        });
    if (!has_value || !monasca_rules::is_good_time(at, now) ||
        !monasca_rules::is_good_meta(record.meta)) {
        counts_.dropped[reason::invalid_record] += record.counts ? 1 : 0;
        return;
    }
    if (to->kind == series_kind::every) {
        send_each(to, record, at);
        return;
    }
    const auto interval = settings_.interval.count();
    const auto end = (at / interval + (at % interval < 0 ? -1 : 0) + 1) * interval;
    // In an interval that is not over it belongs to what is collected now: two measurements of one
    // series and moment would overwrite each other in the store.
    if (has_own_time && end <= now) {
        auto& timed = timed_[{to.get(), end}];
        timed.of = to;
        collect(timed, record);
    } else {
        collect(live_group(to), record);
    }
}

series_table::group& series_table::live_group(const std::shared_ptr<series_definition>& of) {
    if (of->place >= live_.size() || live_[of->place].of != of) {
        if (live_.size() == live_.capacity()) { // in small steps: room that is empty counts too
            live_.reserve(live_.size() + live_.size() / 8 + 8);
        }
        live_.push_back({.of = of});
        of->place = static_cast<std::uint32_t>(live_.size() - 1);
    }
    return live_[of->place];
}

void series_table::collect(group& into, const series_values& record) {
    if (into.values.empty()) {
        into.values.resize(into.of->names.size());
        values_bytes_ += into.values.size() * sizeof(accumulator);
        values_bytes_ += into.of->collecting++ == 0 ? into.of->own_bytes : 0;
        due_bytes_ += wire_bytes_of(*into.of);
    }
    for (const auto& one : record.values) {
        if (std::isfinite(one.value)) {
            auto& a = into.values[one.name];
            const auto before = a.memory_bytes();
            a.add(one.value, *into.of);
            values_bytes_ += a.memory_bytes() - before;
        }
    }
    has_collected_ = true;
    if (record.counts) {
        counts_.merged += into.records != 0 ? 1 : 0;
        ++into.records;
        ++collected_records_;
    }
}

void series_table::send_each(
    const std::shared_ptr<series_definition>& to, const series_values& record, std::int64_t at) {
    bool is_same_moment = false;
    std::size_t last = 0;
    for (const auto& one : record.values) {
        if (!std::isfinite(one.value)) {
            continue;
        }
        const auto [found, is_new] = moments_.try_emplace(
            {.of = to.get(), .milliseconds = at, .name = one.name}, batch_.entries.size());
        if (is_new) {
            put(to, one.name, 0, one.value, at);
        } else {
            batch_.entries[found->second].value = one.value;
            is_same_moment = true;
        }
        auto& entry = batch_.entries[found->second];
        batch_.bytes -= wire_bytes_of(entry.meta);
        entry.meta = record.meta;
        batch_.bytes += wire_bytes_of(entry.meta);
        last = std::max(last, found->second);
    }
    // Behind whatever the record has added: what it added stands in front of this count.
    if (record.counts) {
        ++batch_.entries[last].records;
        ++batch_.records;
        counts_.merged += is_same_moment ? 1 : 0;
    }
    counts_.same_millisecond += is_same_moment ? 1 : 0;
}

void series_table::put(
    const std::shared_ptr<series_definition>& of,
    std::uint32_t name,
    std::uint32_t statistic,
    double value,
    std::int64_t at) {
    batch_.entries.push_back(
        {.of = of,
         .name = name,
         .statistic = statistic,
         .records = 0,
         .milliseconds = at,
         .value = value});
    batch_.bytes += wire_bytes_of(*of, name);
    ++counts_.measurements;
}

// Sums of very large values may not be finite any more; a measurement of that is left out, and a
// record of nothing else is dropped.
void series_table::emit(group& from, std::int64_t at) {
    const auto before = batch_.entries.size();
    const auto& of = from.of;
    for (std::uint32_t name = 0; name < from.values.size(); ++name) {
        auto& a = from.values[name];
        if (a.count == 0) {
            continue;
        }
        const auto put_finite = [&](std::uint32_t statistic, double value) {
            if (std::isfinite(value)) {
                put(of, name, statistic, value, at);
            }
        };
        switch (of->kind) {
        case series_kind::every:
        case series_kind::gauge: put_finite(0, a.last); break;
        case series_kind::counter: put_finite(0, a.sum); break;
        case series_kind::timer:
            put_finite(0, static_cast<double>(a.count));
            put_finite(1, a.sum);
            put_finite(2, a.min);
            put_finite(3, a.max);
            if (a.histogram != nullptr) {
                std::uint32_t statistic = 4;
                for (const auto value : a.histogram->percentiles(of->percentiles)) {
                    put_finite(statistic++, std::clamp(value, a.min, a.max));
                }
                a.histogram->clear();
            }
        }
        auto histogram = std::move(a.histogram);
        a = {};
        a.histogram = std::move(histogram);
    }
    collected_records_ -= from.records;
    if (batch_.entries.size() == before) { // no sum was finite
        counts_.dropped[reason::invalid_record] += from.records;
    } else {
        batch_.entries.back().records += static_cast<std::uint32_t>(from.records);
        batch_.records += from.records;
    }
    from.records = 0;
}

void series_table::forget(const group& gone) noexcept {
    if (gone.values.empty()) {
        return;
    }
    due_bytes_ -= wire_bytes_of(*gone.of);
    values_bytes_ -= --gone.of->collecting == 0 ? gone.of->own_bytes : 0;
    for (const auto& a : gone.values) {
        values_bytes_ -= sizeof(accumulator) + a.memory_bytes();
    }
}

void series_table::take_out_of_live(std::size_t place) {
    forget(live_[place]);
    if (place + 1 != live_.size()) {
        live_[place] = std::move(live_.back());
        live_[place].of->place = static_cast<std::uint32_t>(place);
    }
    live_.pop_back();
}

// Two ends in one millisecond would overwrite each other in the store.
std::int64_t series_table::moment_after(std::int64_t last, std::int64_t at) const noexcept {
    const bool is_close = at <= last && last - at < 1000;
    const auto free = is_close ? last + 1 : at;
    // A whole interval's stamp is for values with a time of their own.
    return free + (free % settings_.interval.count() == 0 ? 1 : 0);
}

void series_table::emit_first_timed(std::int64_t now) {
    auto first = timed_.extract(timed_.begin());
    emit(first.mapped(), std::min(first.key().second, now));
    forget(first.mapped());
}

void series_table::emit_live(group& from, std::int64_t at) {
    auto& last = from.of->last_end;
    last = moment_after(last, at);
    emit(from, last);
}

void series_table::evict_one(std::int64_t now) {
    if (!timed_.empty()) {
        emit_first_timed(now);
    } else if (!live_.empty()) {
        evict_at_ = evict_at_ < live_.size() ? evict_at_ : 0;
        emit_live(live_[evict_at_], moment_after(last_end_, now));
        take_out_of_live(evict_at_++);
    }
    if (live_.empty()) {
        live_ = std::vector<group>(); // its room too
    }
}

bool series_table::end_interval(std::int64_t now) {
    if (!is_ending_) {
        ending_time_ = moment_after(last_end_, now);
        last_end_ = ending_time_;
        ending_at_ = 0;
        is_ending_ = true;
    }
    while (!timed_.empty()) {
        if (is_full()) {
            return false;
        }
        emit_first_timed(ending_time_);
    }
    while (ending_at_ < live_.size()) {
        if (is_full()) {
            return false;
        }
        auto& one = live_[ending_at_];
        const bool is_fresh = std::any_of(
            one.values.begin(), one.values.end(), [](const auto& a) { return a.count != 0; });
        if (is_fresh) {
            emit_live(one, ending_time_);
        } else if (one.of.use_count() == 1) { // nobody can push to it any more
            take_out_of_live(ending_at_);
            continue;
        }
        ++ending_at_;
    }
    is_ending_ = false;
    has_collected_ = false;
    return true;
}

void series_table::clear_batch() noexcept {
    batch_.clear();
    moments_.clear();
}

void series_table::drop_all() noexcept {
    clear_batch();
    for (const auto& one : live_) {
        one.of->collecting = 0;
    }
    for (const auto& [moment, one] : timed_) {
        one.of->collecting = 0;
    }
    live_.clear();
    timed_.clear();
    values_bytes_ = 0;
    due_bytes_ = 0;
    collected_records_ = 0;
    has_collected_ = false;
    is_ending_ = false;
}

std::size_t series_table::collected_bytes() const noexcept {
    constexpr std::size_t node_bytes = 64;
    return live_.capacity() * sizeof(group) + timed_.size() * (sizeof(group) + node_bytes) +
           values_bytes_;
}

std::size_t series_table::memory_bytes() const noexcept {
    return batch_.entries.capacity() * sizeof(measurement) + batch_.bytes / 2 + collected_bytes();
}

} // namespace monarc::aggregate
