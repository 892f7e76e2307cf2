#pragma once

// The measurements that the sink keeps to be read again: of each series one point a millisecond,
// the last that was written, as InfluxDB does. Within bounded memory: the points that came first
// are dropped, a series that does not fit is not kept. Pure.

#include "sink/monasca_metrics.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace monarc::sink {

struct stored_point {
    double value = 0;
    std::string value_meta{}; ///< JSON of an object; empty if there is none.

    bool operator==(const stored_point&) const = default;
};

struct stored_series {
    std::string name{};
    dimension_list dimensions{};
    std::map<std::int64_t, stored_point> points{}; ///< By milliseconds.
};

class monasca_store {
public:
    explicit monasca_store(std::size_t max_bytes) : max_bytes_(max_bytes) {}
    monasca_store(const monasca_store&) = delete;
    monasca_store& operator=(const monasca_store&) = delete;

    enum class written { fresh, repeat, overwritten, not_kept };
    struct result {
        written how = written::fresh;
        bool is_new_series = false;
    };

    result write(std::string_view tenant, const measurement& m);

    // The series of a tenant, ordered by name and dimensions.
    using series_map = std::map<std::string, std::unique_ptr<stored_series>, std::less<>>;
    const series_map& series_of(std::string_view tenant) const;

    std::uint64_t dropped_points() const noexcept { return dropped_; }
    std::uint64_t points() const noexcept { return points_; }
    std::size_t bytes() const noexcept { return series_bytes_ + point_bytes_; }

private:
    struct place {
        stored_series* series = nullptr;
        std::int64_t milliseconds = 0;
    };

    stored_series* find_or_make(std::string_view tenant, const measurement& m, bool& is_new);
    void make_room();

    std::size_t max_bytes_;
    std::map<std::string, series_map, std::less<>> tenants_;
    series_map no_series_;      // of tenants that have none
    std::deque<place> arrival_; // the point that came first is at the front
    std::size_t series_bytes_ = 0;
    std::size_t point_bytes_ = 0;
    std::uint64_t points_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace monarc::sink
