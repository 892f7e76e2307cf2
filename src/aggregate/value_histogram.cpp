#include "aggregate/value_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace monarc::aggregate {
namespace {

constexpr int mantissa_bits = 52;
constexpr int bucket_bits = 7; // of the mantissa
constexpr int dropped_bits = mantissa_bits - bucket_bits;

} // namespace

// In the order of the values: those below 0 downwards from -1, 0 with the smallest.
std::int32_t value_histogram::bucket_of(double value) noexcept {
    const auto magnitude =
        static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(std::abs(value)) >> dropped_bits);
    return value < 0 ? -1 - magnitude : magnitude;
}

double value_histogram::middle_of(std::int32_t bucket) noexcept {
    const auto magnitude = static_cast<std::uint64_t>(bucket < 0 ? -1 - bucket : bucket);
    if (magnitude == 0) {
        return 0.0;
    }
    const auto low = std::bit_cast<double>(magnitude << dropped_bits);
    // The last bucket of all ends beyond the largest double.
    const auto high = std::min(
        std::bit_cast<double>((magnitude + 1) << dropped_bits), std::numeric_limits<double>::max());
    const auto middle = low + (high - low) / 2;
    return bucket < 0 ? -middle : middle;
}

std::vector<double> value_histogram::percentiles(const std::vector<double>& wanted) const {
    std::vector<std::pair<std::int32_t, std::uint64_t>> sorted(counts_.begin(), counts_.end());
    std::sort(sorted.begin(), sorted.end());
    std::uint64_t total = 0;
    for (const auto& [bucket, count] : sorted) {
        total += count;
    }
    std::vector<double> values;
    values.reserve(wanted.size());
    for (const auto percentile : wanted) {
        // 7 % of 100 values is rank 7, although the product may round to a little more.
        constexpr double just_below = 1.0 - 1e-14;
        const auto rank =
            std::max(1.0, std::ceil(percentile * static_cast<double>(total) / 100.0 * just_below));
        std::uint64_t below = 0;
        double value = 0.0;
        for (const auto& [bucket, count] : sorted) {
            below += count;
            value = middle_of(bucket);
            if (static_cast<double>(below) >= rank) {
                break;
            }
        }
        values.push_back(value);
    }
    return values;
}

} // namespace monarc::aggregate
