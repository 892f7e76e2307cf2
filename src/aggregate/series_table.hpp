#pragma once

// Collects the values of series: one measurement per statistic and interval, or each value with its
// own time (delivery.md D-4.10).
//
// Threads: one. No clock of its own: time comes in.

#include "aggregate/value_histogram.hpp"
#include "core/series.hpp"

#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace monarc::aggregate {

struct series_table_settings {
    std::chrono::milliseconds interval{10'000};
    std::size_t max_records = 500; // measurements of a batch; one record's stay together
    std::size_t max_bytes = 256 * 1024;
    std::chrono::milliseconds max_delay{1000};
};

struct series_counts {
    std::uint64_t merged = 0;           // records that went into a measurement of an earlier one
    std::uint64_t same_millisecond = 0; // of those: kind every, same series and millisecond
    std::uint64_t measurements = 0;
    reason_counts dropped;
};

// One record: values for some of a series' names, at one moment.
struct series_values {
    struct one {
        std::uint32_t name; // of series_definition::names
        double value;
    };
    std::vector<one> values;
    monasca_rules::text_pairs meta{}; // kind every, one value only
    bool counts = true;               // false: the record was counted with other values of it
};

class series_table {
public:
    explicit series_table(const series_table_settings& settings);

    // Takes one record. `at` is its time, `now` the present, in milliseconds since 1970;
    // `has_own_time` says that the caller gave it. Values that are not finite are left out; without
    // any other the record is dropped(invalid_record). Wants !is_full().
    void
    add(const std::shared_ptr<series_definition>& to,
        const series_values& record,
        std::int64_t at,
        bool has_own_time,
        std::int64_t now);

    // The interval is over, or has to end early: a flush. Moves what it collected into the batch
    // until that is full. Returns: false if there is more, for when the batch was taken.
    bool end_interval(std::int64_t now);

    bool is_full() const noexcept {
        return batch_.entries.size() >= settings_.max_records || batch_.bytes >= max_bytes_;
    }
    bool is_due(std::chrono::steady_clock::time_point now) const noexcept {
        return is_full() || (!batch_.is_empty() && now - batch_since_ >= settings_.max_delay);
    }
    // Whether something is collected that only the end of the interval sends.
    bool has_collected() const noexcept { return has_collected_; }
    // So much was collected that some should go before the interval ends.
    bool is_crowded() const noexcept {
        return timed_.size() >= 10'000 || collected_bytes() + due_bytes_ > max_collected_bytes_;
    }
    // Ends the interval for one series, the oldest first, and keeps nothing of it. Wants
    // is_crowded() and !is_full().
    void evict_one(std::int64_t now);

    const measurement_batch& open_batch() const noexcept { return batch_; }
    void clear_batch() noexcept;
    // The batch began to fill.
    void set_since(std::chrono::steady_clock::time_point now) noexcept { batch_since_ = now; }
    void set_max_bytes(std::size_t bytes) noexcept { max_bytes_ = bytes; }
    void set_max_collected_bytes(std::size_t bytes) noexcept { max_collected_bytes_ = bytes; }

    std::uint64_t open_records() const noexcept { return batch_.records + collected_records_; }
    // No memory for it: all that is collected and open is gone; the caller counts it.
    void drop_all() noexcept;

    std::size_t live_series() const noexcept { return live_.size(); }
    std::size_t memory_bytes() const noexcept;
    const series_counts& counts() const noexcept { return counts_; }
    series_counts& counts() noexcept { return counts_; }

private:
    struct accumulator {
        std::uint64_t count = 0;
        double sum = 0.0;
        double min = std::numeric_limits<double>::infinity();
        double max = -std::numeric_limits<double>::infinity();
        double last = 0.0;
        std::unique_ptr<value_histogram> histogram{};

        void add(double value, const series_definition& of);
        std::size_t memory_bytes() const noexcept;
    };
    struct group {
        std::shared_ptr<series_definition> of;
        std::vector<accumulator> values{}; // one for each name
        std::uint64_t records = 0;
    };
    struct moment {
        const series_definition* of;
        std::int64_t milliseconds;
        std::uint32_t name;
        friend bool operator==(const moment&, const moment&) = default;
    };
    struct moment_hash {
        std::size_t operator()(const moment& m) const noexcept;
    };

    std::size_t collected_bytes() const noexcept;
    void collect(group& into, const series_values& record);
    group& live_group(const std::shared_ptr<series_definition>& of);
    void send_each(
        const std::shared_ptr<series_definition>& to, const series_values& record, std::int64_t at);
    void forget(const group& gone) noexcept;
    void take_out_of_live(std::size_t place);
    std::int64_t moment_after(std::int64_t last, std::int64_t at) const noexcept;
    void emit_first_timed(std::int64_t now);
    void emit_live(group& from, std::int64_t at);
    void emit(group& from, std::int64_t at);
    void
    put(const std::shared_ptr<series_definition>& of,
        std::uint32_t name,
        std::uint32_t statistic,
        double value,
        std::int64_t at);

    series_table_settings settings_;
    std::size_t max_bytes_;
    std::size_t max_collected_bytes_ = std::numeric_limits<std::size_t>::max();
    series_counts counts_;
    std::vector<group> live_;
    // Values with a time of their own, by the end of the interval they fall into.
    std::map<std::pair<series_definition*, std::int64_t>, group> timed_;
    std::uint64_t collected_records_ = 0;
    bool has_collected_ = false;
    std::size_t values_bytes_ = 0; // of all groups, with the definitions that only they hold
    std::size_t due_bytes_ = 0;    // on the wire, about: what they send when the interval ends

    measurement_batch batch_;
    std::chrono::steady_clock::time_point batch_since_{};
    // Kind every: where in the batch a moment's value stands.
    boost::unordered_flat_map<moment, std::size_t, moment_hash> moments_;

    std::size_t evict_at_ = 0;  // of live_: who goes next
    std::size_t ending_at_ = 0; // of live_, while an interval ends
    std::int64_t ending_time_ = 0;
    bool is_ending_ = false;
    std::int64_t last_end_ = 0;
};

} // namespace monarc::aggregate
