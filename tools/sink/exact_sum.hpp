#pragma once

// A sum of doubles without any rounding, however many and in whatever order: two sides that saw the
// same values have the same sum.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace monarc::sink {

// Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997: the sum is kept as doubles that
// do not overlap, a handful for values of usual size. Beyond the range of a double it stays
// infinite.
class exact_sum {
public:
    void add(double value) {
        std::size_t kept = 0;
        for (double part : parts_) {
            if (std::abs(value) < std::abs(part))
                std::swap(value, part);
            const double high = value + part;
            const double low = part - (high - value);
            if (low != 0)
                parts_[kept++] = low;
            value = high;
        }
        parts_.resize(kept);
        parts_.push_back(value);
    }

    // The double that is nearest to the sum.
    double value() const {
        if (parts_.empty())
            return 0;
        auto at = parts_.size() - 1;
        double high = parts_[at];
        double low = 0;
        while (at > 0 && low == 0) {
            const double before = high;
            const double part = parts_[--at];
            high = before + part;
            low = part - (high - before);
        }
        // Half way between two doubles the parts below decide.
        if (at > 0 && (low < 0) == (parts_[at - 1] < 0)) {
            const double twice = low * 2;
            const double other = high + twice;
            if (twice == other - high)
                high = other;
        }
        return high;
    }

private:
    std::vector<double> parts_; // from the smallest to the largest
};

} // namespace monarc::sink
