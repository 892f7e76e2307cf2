// Metrics for Monasca: values pushed to series, and numbers taken from the fields of contexts.

#include <monarc/monarc.hpp>

using namespace monarc::literals;
using namespace std::chrono_literals;

int main() {
    auto options = monarc::load_options({.environment = true}); // MONARC_MONASCA__URL and so on
    options.derive = {{.from = {.class_name = "fill", .fields = {"price"}}, .to = {.prefix = "orders"}}};
    monarc::exporter exporter(std::move(options));

    auto count = exporter.open_series("orders.count", {{"desk", "fx"}}, {.kind = monarc::series_kind::counter});
    auto latency = exporter.open_series(
        "orders.latency", {{"desk", "fx"}}, {.kind = monarc::series_kind::timer, .percentiles = {50, 99}});
    {
        auto running = latency.time(); // pushes the time that has passed when it goes out of scope
        count.push(1);
    }
    exporter.push("fill"_class("7"), "price"_key = 1.0871); // to Mona, and orders.fill.price to Monasca

    return exporter.close(5s).is_clean() ? 0 : 1;
}
