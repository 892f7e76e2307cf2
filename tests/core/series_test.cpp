#include "core/series.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace monarc;

namespace {

using texts = std::vector<std::string>;

series_definition of(series_kind kind, std::vector<double> percentiles = {}) {
    series_definition made;
    made.kind = kind;
    made.percentiles = std::move(percentiles);
    return made;
}

} // namespace

TEST_SUITE("core/series") {
TEST_CASE("a gauge, a counter and each value are sent under the series' own name") {
    for (const auto kind : {series_kind::gauge, series_kind::counter, series_kind::every}) {
        CHECK(statistic_suffixes(of(kind)) == texts{""});
    }
}

TEST_CASE("a timer is sent as count, sum, min, max and its percentiles") {
    CHECK(statistic_suffixes(of(series_kind::timer)) == texts{".count", ".sum", ".min", ".max"});
    CHECK(
        statistic_suffixes(of(series_kind::timer, {50.0, 95.0, 99.9})) ==
        texts{".count", ".sum", ".min", ".max", ".p50", ".p95", ".p99_9"});
}

TEST_CASE("a percentile of many digits has a name that Monasca takes") {
    for (const auto& suffix : statistic_suffixes(of(series_kind::timer, {99.999999, 1e-9, 0.5}))) {
        CAPTURE(suffix);
        CHECK(monasca_rules::why_not_name("name" + suffix).empty());
    }
}

TEST_CASE("a cleared batch has nothing left") {
    measurement_batch batch;
    batch.entries.push_back(
        {.of = nullptr, .name = 0, .statistic = 0, .records = 1, .milliseconds = 0, .value = 0});
    batch.records = 1;
    batch.bytes = 100;
    CHECK_FALSE(batch.is_empty());

    batch.clear();
    CHECK(batch.is_empty());
    CHECK(batch.records == 0);
    CHECK(batch.bytes == 0);
}
}
