#pragma once

/// A run of one class that records are pushed to: one row at Mona.

#include <monarc/api.hpp>
#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>
#include <monarc/field.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

namespace monarc {

namespace detail {

template <field_like... Fields>
[[gnu::always_inline]] inline bool push_to_context(
    gate* exporter, context_entry* entry, std::int64_t when, const Fields&... fields) noexcept {
    if (!exporter->enabled.load(std::memory_order_relaxed)) {
        return false;
    }
    const auto shape = shape_of<"", Fields...>::load();
    if (shape == 0) [[unlikely]] {
        return refuse({exporter, entry, {}, when}, reason::too_many_names);
    }
    return push_fields(entry, {exporter, entry, {}, when}, shape, fields...);
}

} // namespace detail

class stamped_context;

/// A run of one class. A 16-byte value; copies mean the same run.
///
/// Threads: copies may be used by any number of threads and outlive the exporter (pushes then
/// return false). Owns:    a share of the context; when the last copy dies, what was merged so far
/// gets no further fields. Cost:    opening takes a lock and allocates; a copy is one atomic
/// increment.
class MONARC_API context {
public:
    context(const context& other) noexcept;
    context(context&& other) noexcept
        : exporter_(other.exporter_), entry_(std::exchange(other.entry_, nullptr)) {}
    context& operator=(context other) noexcept {
        std::swap(exporter_, other.exporter_);
        std::swap(entry_, other.entry_);
        return *this;
    }
    ~context();

    /// Hands the fields over and returns at once. A handle that was moved from must not be pushed
    /// to. Returns: false if the record was rejected; stats() counts it under the reason. Cost: as
    /// exporter::push.
    template <field_like... Fields>
    [[gnu::always_inline]] bool push(Fields&&... fields) const noexcept {
        detail::explain_fields<Fields...>();
        return detail::push_to_context(exporter_, entry_, detail::no_time, fields...);
    }

    /// The same for fields with run-time keys; those that begin with MONA_ are stripped and
    /// counted.
    bool push(const record& fields) const noexcept;

    /// The same for a JSON text; as exporter::push_json.
    bool push_json(std::string_view object) const noexcept;

    /// Opens a part of this run: its id is this id, a dot and `id`. Without a class of its own Mona
    /// is told none. Range, Cost: as exporter::open_context.
    context sub(std::string_view id, std::string_view class_name = {}) const;

    /// The same run with a time of its own instead of the moment of the push: at(t).push(…). Sent
    /// in whole seconds.
    stamped_context at(std::chrono::system_clock::time_point when) const noexcept;

    /// No more fields are merged into what this run has so far; later pushes, through any copy, are
    /// dropped(closed_context); of other threads those that are later by exporter_options::clock.
    void close() noexcept;

    std::string_view id() const noexcept;

private:
    friend class exporter;
    friend class series;
    friend class stamped_context;
    friend class stamped_series;
    explicit context(detail::context_entry* entry) noexcept;

    detail::gate* exporter_;
    detail::context_entry* entry_;
};

/// A context with a time; made by context::at, lives for one call.
class MONARC_API stamped_context {
public:
    template <field_like... Fields>
    [[gnu::always_inline]] bool push(Fields&&... fields) const noexcept {
        detail::explain_fields<Fields...>();
        return detail::push_to_context(to_.exporter_, to_.entry_, when_, fields...);
    }
    bool push(const record& fields) const noexcept;
    bool push_json(std::string_view object) const noexcept;

private:
    friend class context;
    stamped_context(const context& to, std::int64_t when) noexcept : to_(to), when_(when) {}

    const context& to_;
    std::int64_t when_;
};

inline stamped_context context::at(std::chrono::system_clock::time_point when) const noexcept {
    return {*this, detail::nanoseconds_of(when)};
}

} // namespace monarc
