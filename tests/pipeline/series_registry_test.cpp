#include "pipeline/series_registry.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace monarc;
using namespace monarc::pipeline;
using namespace std::string_literals;

namespace {

using text_pairs = monasca_rules::text_pairs;

// What is said about it; empty: it opens.
std::string
refusal(std::string_view name, const dimensions& own = {}, const series_options& options = {}) {
    series_registry registry(text_pairs{{"hostname", "h"}});
    try {
        registry.open(name, own, options);
    } catch (const std::system_error& e) {
        CHECK(e.code() == errc::bad_series);
        return e.what();
    }
    return {};
}

series_options timer(std::vector<double> percentiles) {
    return {.kind = series_kind::timer, .percentiles = std::move(percentiles)};
}

} // namespace

TEST_SUITE("pipeline/series_registry") {
TEST_CASE("the same name and dimensions are the same series") {
    series_registry registry({});
    const auto a = registry.open("n", {{"k", "v"}, {"l", "w"}}, {});

    CHECK(registry.open("n", {{"l", "w"}, {"k", "v"}}, {}) == a);
    CHECK(registry.open("m", {{"k", "v"}, {"l", "w"}}, {}) != a);
    CHECK(registry.open("n", {{"k", "v"}, {"l", "x"}}, {}) != a);
    CHECK(registry.open("n", {{"k", "v"}}, {}) != a);
    CHECK(registry.open("n", {}, {}) != a);
}

TEST_CASE("a series has its own dimensions and those of all, sorted; its own win") {
    series_registry registry(text_pairs{{"hostname", "h"}, {"a", "all"}});

    CHECK(
        registry.open("n", {{"k", "v"}, {"a", "own"}}, {})->dimensions ==
        text_pairs{{"a", "own"}, {"hostname", "h"}, {"k", "v"}});
}

TEST_CASE("of a dimension given twice the last value holds") {
    series_registry registry({});

    CHECK(registry.open("n", {{"k", "1"}, {"k", "2"}}, {})->dimensions == text_pairs{{"k", "2"}});
}

TEST_CASE("spelling out a dimension of all is the same series as leaving it out") {
    series_registry registry(text_pairs{{"hostname", "h"}});

    CHECK(registry.open("n", {{"hostname", "h"}}, {}) == registry.open("n", {}, {}));
}

TEST_CASE("a series that is open does not change its kind, percentiles or unit") {
    series_registry registry({});
    const auto open = registry.open("n", {}, timer({50.0, 99.0}));
    const auto throws = [&](const series_options& options) {
        try {
            registry.open("n", {}, options);
            return false;
        } catch (const std::system_error& e) {
            return e.code() == errc::bad_series;
        }
    };

    CHECK(throws({.kind = series_kind::gauge}));
    CHECK(throws(timer({50.0})));
    CHECK(throws(
        {.kind = series_kind::timer, .percentiles = {50.0, 99.0}, .unit = time_unit::seconds}));
    CHECK(registry.open("n", {}, timer({99.0, 50.0, 99.0})) == open);
}

TEST_CASE("a series that nobody holds may be opened as another kind") {
    series_registry registry({});
    registry.open("n", {}, {});

    CHECK(registry.open("n", {}, timer({}))->kind == series_kind::timer);
}

TEST_CASE("percentiles are sorted, each once") {
    series_registry registry({});

    CHECK(
        registry.open("n", {}, timer({99.0, 50.0, 99.0}))->percentiles ==
        std::vector<double>{50.0, 99.0});
}

TEST_CASE("a timer's unit says what its durations are divided by") {
    series_registry registry({});
    const auto divisor = [&](time_unit unit, const char* name) {
        return registry.open(name, {}, {.kind = series_kind::timer, .unit = unit})
            ->nanoseconds_per_unit;
    };

    CHECK(divisor(time_unit::nanoseconds, "a") == 1.0);
    CHECK(divisor(time_unit::microseconds, "b") == 1e3);
    CHECK(divisor(time_unit::milliseconds, "c") == 1e6);
    CHECK(divisor(time_unit::seconds, "d") == 1e9);
}

TEST_CASE("what Monasca would refuse is refused at once, with errc::bad_series") {
    CHECK(refusal("n") == "");
    CHECK(refusal("a b").find("series a b: the name holds ' '") != std::string::npos);
    CHECK(refusal("") != "");
    CHECK(refusal(std::string(255, 'n')) == "");
    CHECK(refusal(std::string(256, 'n')) != "");
    CHECK(refusal("n", {{"time", "v"}}) != "");
    CHECK(refusal("n", {{"k", "a=b"}}) != "");
    CHECK(refusal("n", {{"k", ""}}) != "");
}

TEST_CASE("a timer's name leaves room for its statistics") {
    CHECK(refusal(std::string(249, 'n'), {}, timer({})) == "");
    CHECK(refusal(std::string(250, 'n'), {}, timer({})).find(".count") != std::string::npos);
    CHECK(refusal(std::string(249, 'n'), {}, timer({99.9})) == "");
    CHECK(refusal(std::string(249, 'n'), {}, timer({99.99})).find(".p99_99") != std::string::npos);
}

TEST_CASE("dimensions are at most 32 together with those of all") {
    std::map<std::string, std::string> own;
    for (int i = 0; i < 31; ++i) {
        own["k" + std::to_string(i)] = "v";
    }
    CHECK(refusal("n", dimensions(own)) == "");

    own["hostname"] = "mine";
    CHECK(refusal("n", dimensions(own)) == "");
    own["one more"] = "v";
    CHECK(refusal("n", dimensions(own)) != "");
}

TEST_CASE("percentiles are numbers between 0 and 100, at most 16, and of a timer") {
    CHECK(refusal("n", {}, timer({0.001, 99.999})) == "");
    for (const double bad :
         {0.0,
          100.0,
          -1.0,
          std::numeric_limits<double>::infinity(),
          std::numeric_limits<double>::quiet_NaN()}) {
        CAPTURE(bad);
        CHECK(refusal("n", {}, timer({bad})) != "");
        // Among many, that are sorted.
        std::vector<double> many(40, bad);
        for (int i = 1; i < 40; i += 2) {
            many[static_cast<std::size_t>(i)] = 40.0 - i;
        }
        CHECK(refusal("n", {}, timer(many)) != "");
    }
    std::vector<double> sixteen;
    for (int i = 1; i <= 16; ++i) {
        sixteen.push_back(i);
    }
    CHECK(refusal("n", {}, timer(sixteen)) == "");
    sixteen.push_back(17.0);
    CHECK(refusal("n", {}, timer(sixteen)) != "");
    CHECK(refusal("n", {}, {.kind = series_kind::gauge, .percentiles = {50.0}}) != "");
}

TEST_CASE("a refused series leaves no trace") {
    series_registry registry({});
    const auto open = registry.open("n", {}, {});
    CHECK_THROWS_AS(registry.open("n", {}, timer({})), std::system_error);

    CHECK(registry.open("n", {}, {}) == open);
}

TEST_CASE("many series that come and go and one that stays are told apart") {
    series_registry registry({});
    const auto stays = registry.open("stays", {}, {});
    for (int i = 0; i < 1000; ++i) {
        registry.open("n" + std::to_string(i), {}, {});
    }

    CHECK(registry.open("stays", {}, {}) == stays);
}

TEST_CASE("the dimensions of all are those of the options, also if these are none") {
    CHECK(
        added_dimensions({.dimensions = {{{"b", "2"}, {"a", "1"}}}}) ==
        text_pairs{{"a", "1"}, {"b", "2"}});
    CHECK(added_dimensions({.dimensions = std::map<std::string, std::string>{}}).empty());
}

TEST_CASE("without dimensions in the options every series has this machine's name") {
    const auto all = added_dimensions({});

    REQUIRE(all.size() == 1);
    CHECK(all[0].first == "hostname");
    CHECK(monasca_rules::why_not_dimensions(all).empty());
}
}
