#include "sink/monasca_store.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc;
using written = sink::monasca_store::written;

namespace {

sink::measurement at(double milliseconds, double value, std::string host = "a") {
    return {
        .name = "m",
        .dimensions = {{"host", std::move(host)}},
        .timestamp = milliseconds,
        .value = value};
}

} // namespace

TEST_SUITE("sink/monasca_store") {
TEST_CASE("of one series and millisecond the last write wins") {
    sink::monasca_store store(1 << 20);
    CHECK(store.write("t", at(5, 1)).how == written::fresh);
    CHECK(store.write("t", at(5.9, 1)).how == written::repeat);
    CHECK(store.write("t", at(5, 2)).how == written::overwritten);
    CHECK(store.write("t", at(6, 2)).how == written::fresh);
    CHECK(store.points() == 2);
    const auto& series = *store.series_of("t").begin()->second;
    CHECK(series.points.at(5).value == 2);
    auto with_meta = at(6, 2);
    with_meta.value_meta = "{\"a\":\"b\"}";
    CHECK(store.write("t", with_meta).how == written::overwritten);
}

TEST_CASE("tenants and dimensions make series of their own") {
    sink::monasca_store store(1 << 20);
    CHECK(store.write("t", at(5, 1)).is_new_series);
    CHECK_FALSE(store.write("t", at(6, 1)).is_new_series);
    CHECK(store.write("t", at(5, 1, "b")).is_new_series);
    CHECK(store.write("u", at(5, 1)).is_new_series);
    CHECK(store.series_of("t").size() == 2);
    CHECK(store.series_of("u").size() == 1);
    CHECK(store.series_of("v").empty());
}

TEST_CASE("what came first leaves when the memory is full") {
    sink::monasca_store store(64 << 10);
    for (int i = 0; i < 1000; ++i) {
        CHECK(store.write("t", at(1000 - i, i)).how == written::fresh);
        CHECK(store.bytes() <= 64 << 10);
    }
    CHECK(store.points() + store.dropped_points() == 1000);
    CHECK(store.dropped_points() > 500);
    const auto& points = store.series_of("t").begin()->second->points;
    CHECK(points.begin()->second.value == 999);
    CHECK(points.count(1000) == 0);
}

TEST_CASE("a series that does not fit is not kept, those that are there go on") {
    sink::monasca_store store(64 << 10);
    int kept = 0;
    for (int i = 0; i < 1000; ++i)
        kept += store.write("t", at(5, 1, std::to_string(i))).how == written::fresh ? 1 : 0;
    CHECK(kept > 10);
    CHECK(kept < 100);
    CHECK(store.write("t", at(6, 1, "0")).how == written::fresh);
    CHECK(store.write("t", at(6, 1, "999")).how == written::not_kept);
}

TEST_CASE("a value_meta takes memory as well, and gives it back") {
    sink::monasca_store store(64 << 10);
    auto m = at(5, 1);
    for (int i = 0; i < 100; ++i) {
        m.value_meta = std::string(static_cast<std::size_t>(2000 + i % 7), 'x');
        (void)store.write("t", m);
    }
    CHECK(store.points() == 1);
    CHECK(store.dropped_points() == 0);
}
}
