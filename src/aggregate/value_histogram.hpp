#pragma once

// Percentiles of any finite values, from counts of buckets: the upper bits of a double are its
// logarithm, so a bucket is found by a shift. 128 buckets per power of two: a percentile differs
// from the true one by at most 1/256 of it (0.4 %), at any size and number of values. Values below
// the smallest normal double have an absolute error of 2^-1029 instead.

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace monarc::aggregate {

class value_histogram {
public:
    void add(double value) { ++counts_[bucket_of(value)]; }

    // The value that `percentiles` (each in (0, 100)) of all are not above, by the nearest rank.
    // Returns: one for each; 0 if nothing was added.
    std::vector<double> percentiles(const std::vector<double>& wanted) const;

    void clear() noexcept { counts_.clear(); }
    std::size_t memory_bytes() const noexcept {
        return counts_.bucket_count() * (sizeof(decltype(counts_)::value_type) + 1);
    }

private:
    static std::int32_t bucket_of(double value) noexcept;
    static double middle_of(std::int32_t bucket) noexcept;

    boost::unordered_flat_map<std::int32_t, std::uint64_t> counts_;
};

} // namespace monarc::aggregate
