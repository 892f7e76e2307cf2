#include "aggregate/value_histogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace monarc::aggregate;

namespace {

// In tenths of a percent, so that the exact rank needs no floating point.
const std::vector<std::size_t> wanted_tenths{1, 10, 70, 250, 290, 500, 570, 900, 950, 990, 999};

value_histogram histogram_of(const std::vector<double>& values) {
    value_histogram made;
    for (const auto value : values) {
        made.add(value);
    }
    return made;
}

double exact(const std::vector<double>& sorted, std::size_t tenths) {
    const auto rank = (tenths * sorted.size() + 999) / 1000;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

// The first percentile that is not within 1/256 of the exact one; empty: none.
std::string first_wrong(std::vector<double> values) {
    std::vector<double> wanted;
    for (const auto tenths : wanted_tenths) {
        wanted.push_back(static_cast<double>(tenths) / 10.0);
    }
    const auto got = histogram_of(values).percentiles(wanted);
    std::sort(values.begin(), values.end());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const auto truth = exact(values, wanted_tenths[i]);
        if (!(std::abs(got[i] - truth) <= std::abs(truth) / 256.0)) {
            return "p" + std::to_string(wanted[i]) + " is " + std::to_string(truth) + ", got " +
                   std::to_string(got[i]);
        }
    }
    return {};
}

template <class Draw>
std::vector<double> drawn(std::size_t count, Draw&& draw) {
    std::mt19937_64 random(11);
    std::vector<double> values(count);
    std::generate(values.begin(), values.end(), [&] { return draw(random); });
    return values;
}

} // namespace

TEST_SUITE("aggregate/value_histogram") {
TEST_CASE("percentiles of sorted values are within 1/256 of the nearest rank") {
    for (const std::size_t count : {10u, 99u, 100u, 101u, 1000u, 4321u}) {
        std::vector<double> values;
        for (std::size_t i = 1; i <= count; ++i) {
            values.push_back(static_cast<double>(i));
        }

        CAPTURE(count);
        CHECK(first_wrong(values) == "");
    }
}

TEST_CASE("the nearest rank is exact where a product of floating point is not") {
    // Each value has a bucket of its own.
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) {
        values.push_back(std::ldexp(1.0, i));
    }
    const auto histogram = histogram_of(values);

    for (int percent = 1; percent < 100; ++percent) {
        const auto got = histogram.percentiles({static_cast<double>(percent)});
        CAPTURE(percent);
        CHECK(
            got[0] ==
            doctest::Approx(values[static_cast<std::size_t>(percent - 1)]).epsilon(0.004));
    }
}

TEST_CASE("of two values far apart each percentile is one of them") {
    std::vector<double> values(95, 1.0);
    values.insert(values.end(), 5, 1e9);

    CHECK(first_wrong(values) == "");
    const auto got = histogram_of(values).percentiles({95.0, 95.1});
    CHECK(got[0] == doctest::Approx(1.0).epsilon(0.004));
    CHECK(got[1] == doctest::Approx(1e9).epsilon(0.004));
}

TEST_CASE("percentiles of heavy-tailed values are within 1/256 of the nearest rank") {
    std::uniform_real_distribution<double> uniform;
    const auto pareto = drawn(
        100'000, [&](auto& random) { return 0.02 * std::pow(1.0 - uniform(random), -1.0 / 1.1); });

    CHECK(first_wrong(pareto) == "");
}

TEST_CASE("percentiles of negative values are within 1/256 of the nearest rank") {
    std::exponential_distribution<double> exponential(0.001);

    CHECK(first_wrong(drawn(10'000, [&](auto& random) { return -exponential(random); })) == "");
}

TEST_CASE("percentiles of values of both signs are within 1/256 of the nearest rank") {
    std::normal_distribution<double> normal(0.0, 1e6);

    CHECK(first_wrong(drawn(10'000, [&](auto& random) { return normal(random); })) == "");
    CHECK(first_wrong({-2.0, -1.0, 0.0, 1.0, 2.0}) == "");
}

TEST_CASE("values beyond 2^53 and up to the largest double are told apart as well") {
    std::uniform_real_distribution<double> exponent(53.0, 1023.9);

    CHECK(first_wrong(drawn(10'000, [&](auto& random) {
              return std::exp2(exponent(random));
          })) == "");
    constexpr double largest = std::numeric_limits<double>::max();
    CHECK(first_wrong({largest}) == "");
    CHECK(first_wrong({-largest}) == "");
    CHECK(std::isfinite(histogram_of({largest}).percentiles({50.0})[0]));
}

TEST_CASE("values down to the smallest normal double are told apart as well") {
    std::uniform_real_distribution<double> exponent(-1022.0, -10.0);

    CHECK(first_wrong(drawn(10'000, [&](auto& random) {
              return std::exp2(exponent(random));
          })) == "");
    CHECK(first_wrong({std::numeric_limits<double>::min()}) == "");
}

TEST_CASE("below the smallest normal double a percentile is at most 2^-1029 off") {
    for (const double value : {5e-324, 1e-320, 1e-310, 2e-308, -5e-324, -1e-310}) {
        CAPTURE(value);
        CHECK(std::abs(histogram_of({value}).percentiles({50.0})[0] - value) <= 0x1p-1029);
    }
}

TEST_CASE("equal values have that value at every percentile") {
    CHECK(first_wrong(std::vector<double>(1000, 17.25)) == "");
    CHECK(first_wrong(std::vector<double>(1000, 0.0)) == "");
    CHECK(histogram_of({0.0, -0.0}).percentiles({50.0, 99.0}) == std::vector<double>{0.0, 0.0});
}

TEST_CASE("one value is every percentile, none gives zeros") {
    CHECK(first_wrong({3.7}) == "");
    CHECK(value_histogram().percentiles({50.0, 99.9}) == std::vector<double>{0.0, 0.0});
    CHECK(histogram_of({1.0}).percentiles({}).empty());
}

TEST_CASE("percentiles come in the order in which they are asked for") {
    const auto got = histogram_of({1.0, 100.0}).percentiles({99.0, 1.0});

    CHECK(got[0] > got[1]);
}

TEST_CASE("after clear nothing is left of what was added") {
    auto histogram = histogram_of({1.0, 2.0});
    histogram.clear();
    CHECK(histogram.percentiles({50.0}) == std::vector<double>{0.0});

    histogram.add(8.0);
    CHECK(histogram.percentiles({1.0})[0] == doctest::Approx(8.0).epsilon(0.004));
}

TEST_CASE("memory grows with the buckets in use, not with the values") {
    value_histogram histogram;
    histogram.add(1.0);
    const auto before = histogram.memory_bytes();
    for (int i = 0; i < 1'000'000; ++i) {
        histogram.add(1.0 + i * 1e-6);
    }

    CHECK(before >= 16);
    CHECK(histogram.memory_bytes() < 10'000);
}
}
