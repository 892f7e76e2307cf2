#pragma once

/// Starts, feeds and stops the thread that ships records.

#include <monarc/api.hpp>
#include <monarc/context.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>
#include <monarc/field.hpp>
#include <monarc/metric.hpp>
#include <monarc/options.hpp>
#include <monarc/stats.hpp>

#include <chrono>
#include <string_view>
#include <system_error>

namespace monarc {

namespace detail {
struct exporter_access;
}

/// Ships records to Mona and metrics to Monasca from a background thread.
///
/// Threads: any thread may call any member at any time; the destructor must be the last call.
/// Owns:    one queue and one I/O thread.
class MONARC_API exporter {
public:
    /// Starts the I/O thread. Does not connect: an unreachable destination is not an error here.
    /// Fails:   throws std::system_error(errc::bad_options) whose what() names the option.
    explicit exporter(exporter_options options);

    /// With ec set: closed, every call is safe.
    exporter(exporter_options options, std::error_code& ec) noexcept;

    exporter(const exporter&) = delete;
    exporter& operator=(const exporter&) = delete;

    /// close(options.close_timeout)
    ~exporter();

    /// Opens a run that any number of threads may push to.
    /// Range:   class up to 255 bytes, id up to 1024; pushes through a handle with longer ones are
    ///          rejected(oversize).
    /// Cost:    a lock and an allocation.
    context open_context(std::string_view class_name, std::string_view id);

    /// Opens a metric that any number of threads may push values to; again: the same one. The
    /// exporter's own dimensions are added.
    /// Fails:   throws std::system_error(errc::bad_series): the name or a dimension is not one that
    ///          Monasca takes, a percentile is out of range, or the series is open with other
    ///          options. what() says which.
    /// Cost:    a lock and an allocation.
    series open_series(std::string_view name, dimensions dims, series_options options = {});

    /// Hands the fields of one run to the I/O thread and returns at once; `to` is `class(id)`. If
    /// the queue is full and `queue.block_timeout` is set, it waits for room first.
    /// Returns: false if the record was rejected (queue full, exporter closed, too large);
    ///          stats() counts it under the reason.
    /// Cost:    the values' cache lines and one timestamp; no allocation, lock or system call after
    /// the
    ///          first push of a thread and the first use of a shape.
    template <push_target Target, field_like... Fields>
    [[gnu::always_inline]] bool push(Target&& to, Fields&&... fields) noexcept {
        detail::explain_fields<Fields...>();
        return push_run(to, fields...);
    }

    /// The same for fields with run-time keys; those that begin with MONA_ are stripped and
    /// counted.
    template <push_target Target>
    bool push(Target&& to, const record& fields) noexcept {
        if (!gate_->enabled.load(std::memory_order_relaxed)) {
            return false;
        }
        return fields.push(destination_of(to), class_shape_of(to));
    }

    /// The same for a JSON text: an object, whose keys that begin with MONA_ are stripped and
    /// counted; nested objects are not looked into. What is no JSON object is dropped(bad_json).
    /// Range:   at most 256 KiB, else rejected(oversize).
    /// Cost:    an allocation and a copy; the I/O thread parses. Not for hot paths.
    template <push_target Target>
    bool push_json(Target&& to, std::string_view object) noexcept {
        return gate_->enabled.load(std::memory_order_relaxed) &&
               detail::push_json(destination_of(to), class_shape_of(to), object);
    }

    /// Reserves the calling thread's whole share of the queue, so that none of its pushes ever
    /// allocates. Waits until the I/O thread has taken what that needs, at most a second. Returns:
    /// false if memory_limit leaves no room, or the exporter is closed.
    bool warm_up() noexcept;

    /// Waits until every record accepted before the call is settled, in every destination.
    /// Returns: counts; is_clean() if nothing is pending or lost; would_deadlock inside a callback.
    flush_result flush(std::chrono::milliseconds timeout) noexcept;

    /// Refuses new records, drains, delivers what it can, drops the rest, joins; within timeout +
    /// 250 ms. May be called again, by several threads: all see the same result.
    flush_result close(std::chrono::milliseconds timeout) noexcept;

    /// Cuts every running wait short.
    void retry_now() noexcept;

    /// Off: pushes return false at once and count nowhere; records accepted before are still
    /// delivered.
    void set_enabled(bool on) noexcept;
    bool is_enabled() const noexcept;

    /// One snapshot, taken by the I/O thread, exact: D-1.3 holds in it. Cost: up to one poll
    /// interval.
    exporter_stats stats() const;

private:
    friend struct detail::exporter_access;

    template <class Target>
    detail::destination_of_push destination_of(const Target& to) const noexcept {
        if constexpr (detail::has_class_number<Target>) {
            return {gate_, nullptr, to.text(), to.when, static_cast<std::int32_t>(to.class_number)};
        } else {
            return {gate_, nullptr, to.text(), to.when};
        }
    }

    /// The shape that is only a class; 0 if there was no room for it.
    template <class Target>
    static std::uint32_t class_shape_of(const Target&) noexcept {
        return detail::shape_of<Target::class_name>::load();
    }

    template <class Target, class... Fields>
    [[gnu::always_inline]] bool push_run(const Target& to, const Fields&... fields) noexcept {
        auto* const gate = gate_;
        if (!gate->enabled.load(std::memory_order_relaxed)) {
            return false;
        }
        const auto shape = detail::shape_of<Target::class_name, Fields...>::load();
        if (shape == 0) [[unlikely]] {
            return detail::refuse({gate, nullptr, {}, to.when}, reason::too_many_names);
        }
        if constexpr (detail::has_class_number<Target>) {
            const detail::gate_and_class by_number{gate, to.class_number};
            return detail::push_fields(&by_number, destination_of(to), shape, fields...);
        } else {
            return detail::push_fields(gate, {gate, nullptr, to.text(), to.when}, shape, fields...);
        }
    }

    struct state;

    state* state_ = nullptr;
    detail::gate* gate_; ///< lives until the process ends, so that late pushes stay safe
};

/// The exporter of the process, for code that is handed none. Started at the first call from the
/// file that MONARC_CONFIG names and from MONARC_* variables (docs/configuration.md); later calls
/// return the same. Closed at exit, within close_timeout, and never destroyed: pushes from
/// destructors of static objects are rejected(closed).
///
/// Threads: any, while nobody changes the environment.
/// Fails:   throws like load_options and the constructor; the next call tries again.
MONARC_API exporter& start_from_env();

/// What start_from_env returned. Before: an exporter that is closed and off, whose pushes return
/// false and count nowhere; it stays so, so ask again after the start.
///
/// Threads: any.
MONARC_API exporter& process_exporter() noexcept;

/// Does ahead of time what the first push of a shape would do: `prepare("loan"_class, "age"_key =
/// 0, …)` for pushes with an id, `prepare("age"_key = 0, …)` for pushes through a handle or to a
/// class_name. The values do not matter, their types do. Returns: false when 65 535 shapes or keys
/// are taken. Cost:    a lock and an allocation.
template <class_like Class, field_like... Fields>
bool prepare(Class, const Fields&...) noexcept {
    constexpr auto name = [] {
        return std::remove_cvref_t<decltype(std::declval<Class>()(std::string_view()))>::class_name;
    }();
    return detail::shape_of<name, Fields...>::load() != 0;
}
template <field_like... Fields>
bool prepare(const Fields&...) noexcept {
    return detail::shape_of<"", Fields...>::load() != 0;
}

} // namespace monarc
