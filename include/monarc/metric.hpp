#pragma once

/// A Monasca metric with its dimensions, that values are pushed to.

#include <monarc/api.hpp>
#include <monarc/context.hpp>
#include <monarc/options.hpp>

#include <chrono>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc {

/// Names and values of a series' dimensions; of a name given twice the last value holds.
class dimensions {
public:
    dimensions() = default;
    dimensions(std::initializer_list<std::pair<std::string_view, std::string_view>> all) {
        for (const auto& [key, value] : all) {
            all_.insert_or_assign(std::string(key), std::string(value));
        }
    }
    dimensions(std::map<std::string, std::string> all) : all_(std::move(all)) {}

    const std::map<std::string, std::string>& all() const noexcept { return all_; }

private:
    std::map<std::string, std::string> all_;
};

/// What a timer's durations are sent in.
enum class time_unit { nanoseconds, microseconds, milliseconds, seconds };

struct series_options {
    series_kind kind = series_kind::gauge;

    /// timer only: sent as `<name>.p<percentile>`, a dot in it as `_`; within 0.4 % of the true
    /// one by the nearest rank. Range: (0, 100), at most 16.
    std::vector<double> percentiles{};

    /// timer only: what time() and durations are sent in.
    time_unit unit = time_unit::milliseconds;
};

class stamped_series;
class timing;

namespace detail {
/// How a value crosses the queue: as the first field of a record, without a name.
template <class Value>
[[gnu::always_inline]] inline auto value_field(const Value& value) noexcept {
    return key_literal<"">{} = value;
}
} // namespace detail

/// One metric name with its dimensions. A 16-byte value; copies mean the same series.
///
/// Threads: copies may be used by any number of threads and outlive the exporter (pushes then
/// return false).
/// Cost:    as of a context.
class MONARC_API series {
public:
    /// Hands a value over and returns at once. One that is not finite is dropped(invalid_record)
    /// later. Returns: false if it was rejected; stats() counts it under the reason.
    [[gnu::always_inline]] bool push(double value) const noexcept {
        return detail::push_to_context(
            handle_.exporter_, handle_.entry_, detail::no_time, detail::value_field(value));
    }

    /// timer only, sent in its unit; elsewhere milliseconds.
    [[gnu::always_inline]] bool push(std::chrono::nanoseconds value) const noexcept {
        return detail::push_to_context(
            handle_.exporter_,
            handle_.entry_,
            detail::no_time,
            detail::value_field(static_cast<std::int64_t>(value.count())));
    }

    /// The same with Monasca's value_meta: texts; numbers and booleans go out as texts. Kind every
    /// only: elsewhere the fields are not sent. Range: 16 fields, 2048 characters of JSON in all,
    /// else dropped(invalid_record).
    template <field_like... Meta>
    requires(sizeof...(Meta) > 0)
        [[gnu::always_inline]] bool push(double value, Meta&&... value_meta) const noexcept {
        detail::explain_fields<Meta...>();
        return detail::push_to_context(
            handle_.exporter_,
            handle_.entry_,
            detail::no_time,
            detail::value_field(value),
            value_meta...);
    }

    /// The same series with a time of its own instead of the moment of the push: at(t).push(…).
    /// Kept apart by the interval it falls into; in one that is not over it is collected with what
    /// has no time. Range: 13 days ago to a minute ahead, else dropped(invalid_record).
    stamped_series at(std::chrono::system_clock::time_point when) const noexcept;

    /// Pushes the elapsed time when it goes out of scope.
    [[nodiscard]] timing time() const noexcept;

private:
    friend class exporter;
    friend class stamped_series;
    explicit series(context handle) noexcept : handle_(std::move(handle)) {}

    context handle_;
};

/// A series with a time; made by series::at, lives for one call.
class MONARC_API stamped_series {
public:
    [[gnu::always_inline]] bool push(double value) const noexcept {
        return detail::push_to_context(
            to_.handle_.exporter_, to_.handle_.entry_, when_, detail::value_field(value));
    }
    [[gnu::always_inline]] bool push(std::chrono::nanoseconds value) const noexcept {
        return detail::push_to_context(
            to_.handle_.exporter_,
            to_.handle_.entry_,
            when_,
            detail::value_field(static_cast<std::int64_t>(value.count())));
    }
    template <field_like... Meta>
    requires(sizeof...(Meta) > 0)
        [[gnu::always_inline]] bool push(double value, Meta&&... value_meta) const noexcept {
        detail::explain_fields<Meta...>();
        return detail::push_to_context(
            to_.handle_.exporter_,
            to_.handle_.entry_,
            when_,
            detail::value_field(value),
            value_meta...);
    }

private:
    friend class series;
    stamped_series(const series& to, std::int64_t when) noexcept : to_(to), when_(when) {}

    const series& to_;
    std::int64_t when_;
};

inline stamped_series series::at(std::chrono::system_clock::time_point when) const noexcept {
    return {
        *this,
        std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count()};
}

/// A scope whose duration is pushed to a series. Threads: one.
class timing {
public:
    explicit timing(const series& to) noexcept
        : to_(to), begun_(std::chrono::steady_clock::now()) {}
    timing(const timing&) = delete;
    timing& operator=(const timing&) = delete;
    ~timing() {
        if (is_running_) {
            stop();
        }
    }

    /// Nothing is pushed.
    void cancel() noexcept { is_running_ = false; }

    /// Pushes now instead of at the end of the scope. Returns: what push returned; false the second
    /// time and after cancel().
    bool stop() noexcept {
        if (!std::exchange(is_running_, false)) {
            return false;
        }
        return to_.push(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun_));
    }

private:
    series to_;
    std::chrono::steady_clock::time_point begun_;
    bool is_running_ = true;
};

inline timing series::time() const noexcept {
    return timing(*this);
}

} // namespace monarc
