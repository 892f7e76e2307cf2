#pragma once

// What a series handle points to, and what is sent of it.

#include "core/monasca_rules.hpp"

#include <monarc/options.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace monarc {

// Metrics that share their dimensions and are pushed together: one for an opened series, one per
// field for what is derived from a class. Written once, before the I/O thread sees it.
struct series_definition {
    std::vector<std::string> names;
    monasca_rules::text_pairs dimensions; // sorted by key; the exporter's own are in it
    series_kind kind = series_kind::gauge;
    std::vector<double> percentiles{}; // timer only
    double nanoseconds_per_unit = 1e6; // timer only: of what a duration is sent in

    // I/O thread only.
    std::uint32_t place = std::numeric_limits<std::uint32_t>::max(); // in the series table
    std::int64_t last_end = 0; // the moment of its last measurements, in milliseconds since 1970
    std::vector<std::string> heads{}; // the constant part of each statistic on the wire, made once

    // What it takes itself, about, if it lives only as long as something is collected for it; of
    // what a handle holds the application is the owner.
    std::size_t own_bytes = 0;
    std::uint32_t collecting = 0; // parts of the series table that collect for it; I/O thread only
};

// What each name of a series becomes: `""` but for a timer, then `.count` and so on.
std::vector<std::string> statistic_suffixes(const series_definition& of);
std::size_t statistic_count(const series_definition& of) noexcept; // how many those are

// One value at one moment: what goes to Monasca.
struct measurement {
    std::shared_ptr<series_definition> of;
    std::uint32_t name;        // of series_definition::names
    std::uint32_t statistic;   // of statistic_suffixes()
    std::uint32_t records;     // D-3.7: 0 belongs to the next that has a count
    std::int64_t milliseconds; // since 1970
    double value;
    monasca_rules::text_pairs meta{}; // value_meta, checked
};

struct measurement_batch {
    std::vector<measurement> entries;
    std::uint64_t records = 0;
    std::size_t bytes = 0; // on the wire, about

    bool is_empty() const noexcept { return entries.empty(); }
    void clear() noexcept {
        entries.clear();
        records = 0;
        bytes = 0;
    }
};

} // namespace monarc
