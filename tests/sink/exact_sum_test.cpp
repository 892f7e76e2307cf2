#include "sink/exact_sum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using monarc::sink::exact_sum;

namespace {

double sum_of(const std::vector<double>& values) {
    exact_sum sum;
    for (const double v : values)
        sum.add(v);
    return sum.value();
}

} // namespace

TEST_SUITE("sink/exact_sum") {
TEST_CASE("nothing is lost, however different the sizes") {
    CHECK(sum_of({}) == 0);
    CHECK(sum_of({1e300, 1, -1e300}) == 1);
    CHECK(sum_of({1e16, 1, 1, 1e-30, -1e16}) == 2);
    CHECK(sum_of({0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}) == 1.0);
    // Half way between two doubles, and a little more.
    CHECK(sum_of({1e16, 1}) == 1e16);
    CHECK(sum_of({1e16, 1, 1e-30}) == 1e16 + 2);
}

TEST_CASE("beyond the range of a double the sum is not finite, and stays so") {
    CHECK_FALSE(std::isfinite(sum_of({1e308, 1e308})));
    CHECK_FALSE(std::isfinite(sum_of({1e308, 1e308, -1e308, -1e308, 1})));
}

TEST_CASE("the order does not matter") {
    std::mt19937_64 random(1);
    std::vector<double> values;
    for (int i = 0; i < 2000; ++i)
        values.push_back(std::ldexp(
            static_cast<double>(random() % 1000003) - 500000, static_cast<int>(random() % 80)));
    const double first = sum_of(values);
    for (int i = 0; i < 5; ++i) {
        std::shuffle(values.begin(), values.end(), random);
        CHECK(sum_of(values) == first);
    }
}
}
