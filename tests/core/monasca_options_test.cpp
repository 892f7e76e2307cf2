#include "core/monasca_options.hpp"
#include "core/options.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

using texts = std::map<std::string, std::string>;

std::string why_not_with(const std::function<void(monasca_options&)>& change) {
    monasca_options options{.url = "http://127.0.0.1:8070/v2.0"};
    change(options);
    return validate({.monasca = options});
}

std::string why_not_rule(const std::function<void(derived_series&)>& change) {
    derived_series rule{
        .from = {.class_name = "shop", .fields = {"price"}, .dimensions = {"town"}}, .to = {}};
    change(rule);
    return why_not(std::vector{rule});
}

std::vector<std::string> many(std::size_t count) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back("f" + std::to_string(i));
    }
    return all;
}

} // namespace

TEST_SUITE("core/monasca_options") {
TEST_CASE("the first and the last legal value of every monasca option are taken") {
    CHECK(why_not_with([](auto&) {}) == "");
    CHECK(why_not_with([](auto& o) { o.token = secret(std::string(8000, '~')); }) == "");
    CHECK(why_not_with([](auto& o) { o.token = secret("!"); }) == "");
    CHECK(why_not_with([](auto& o) { o.interval = 1s; }) == "");
    CHECK(why_not_with([](auto& o) { o.interval = 1h; }) == "");
    CHECK(why_not_with([](auto& o) { o.dimensions.emplace(); }) == "");
    CHECK(why_not_with([](auto& o) { o.dimensions = texts{{"hostname", "web-1"}}; }) == "");
}

TEST_CASE("a monasca option out of range is refused by its name") {
    struct one {
        std::string_view name;
        std::function<void(monasca_options&)> change;
    };
    const one wrong[] = {
        {"monasca.url", [](auto& o) { o.url = ""; }},
        {"monasca.token", [](auto& o) { o.token = secret(std::string(8001, 'x')); }},
        {"monasca.token", [](auto& o) { o.token = secret("a b"); }},
        {"monasca.token", [](auto& o) { o.token = secret("a\r\nX: y"); }},
        {"monasca.token", [](auto& o) { o.token = secret("a\x7f"); }},
        {"monasca.token", [](auto& o) { o.token = secret("\u00e9"); }},
        {"monasca.interval", [](auto& o) { o.interval = 999ms; }},
        {"monasca.interval", [](auto& o) { o.interval = 1h + 1ms; }},
        {"monasca.interval", [](auto& o) { o.interval = -1s; }},
        {"monasca.dimensions",
         [](auto& o) {
             o.dimensions = texts{{"time", "x"}};
         }},
        {"monasca.dimensions",
         [](auto& o) {
             o.dimensions = texts{{"k", ""}};
         }},
        {"monasca.dimensions", [](auto& o) {
             o.dimensions.emplace();
             for (const auto& key : many(33)) {
                 (*o.dimensions)[key] = "v";
             }
         }}};
    for (const auto& [name, change] : wrong) {
        CAPTURE(name);
        CHECK(why_not_with(change).starts_with(name));
    }
}

TEST_CASE("a refusal never shows the token") {
    const auto why = why_not_with([](auto& o) { o.token = secret("hunter2 hunter2"); });

    CHECK(why.find("hunter2") == std::string::npos);
}

TEST_CASE("the first and the last legal rule are taken") {
    CHECK(why_not_rule([](auto&) {}) == "");
    CHECK(why_not_rule([](auto& r) { r.from.dimensions.clear(); }) == "");
    CHECK(why_not_rule([](auto& r) { r.from.fields = many(64); }) == "");
    CHECK(why_not_rule([](auto& r) { r.from.dimensions = many(16); }) == "");
    CHECK(why_not_rule([](auto& r) { r.from.fields = {std::string(250, 'f')}; }) == "");
    CHECK(why_not_rule([](auto& r) { r.to.prefix = std::string(244, 'p'); }) == "");
}

TEST_CASE("a rule that Monasca would not take is refused") {
    const std::function<void(derived_series&)> wrong[] = {
        [](auto& r) { r.from.class_name = ""; },
        [](auto& r) { r.from.fields.clear(); },
        [](auto& r) { r.from.fields = many(65); },
        [](auto& r) { r.from.dimensions = many(17); },
        [](auto& r) { r.from.class_name = "a b"; },
        [](auto& r) { r.from.fields = {std::string(251, 'f')}; },
        [](auto& r) {
            r.from.fields = {"ok", "a=b"};
        },
        [](auto& r) { r.to.prefix = " p"; },
        [](auto& r) { r.to.prefix = std::string(245, 'p'); },
        [](auto& r) {
            r.from.dimensions = {"ok", "time"};
        },
        [](auto& r) { r.from.dimensions = {"_a"}; },
        [](auto& r) { r.from.dimensions = {""}; }};
    for (const auto& change : wrong) {
        CAPTURE(&change - wrong);
        CHECK(why_not_rule(change).starts_with("derive"));
    }
}

TEST_CASE("the name of a timer's statistics has to fit as well") {
    const auto timer = [](std::size_t bytes) {
        return [bytes](derived_series& r) {
            r.to.kind = series_kind::timer;
            r.from.fields = {std::string(bytes, 'f')};
        };
    };

    CHECK(why_not_rule(timer(255 - "shop."s.size() - ".count"s.size())) == "");
    CHECK(why_not_rule(timer(256 - "shop."s.size() - ".count"s.size())) != "");
}

TEST_CASE("a metric that two rules or two fields would make is refused by its name") {
    const derived_series price{.from = {.class_name = "fill", .fields = {"price"}}, .to = {}};
    auto other = price;
    other.from.dimensions = {"venue"};
    auto count = price;
    count.to.kind = series_kind::timer;
    const derived_series counted{
        .from = {.class_name = "fill", .fields = {"price.count"}}, .to = {}};
    auto elsewhere = price;
    elsewhere.to.prefix = "orders";

    CHECK(why_not({price, elsewhere}) == "");
    CHECK(
        why_not({price, other}) ==
        "derive: the metric fill.price is made twice, and one would overwrite the other; give one "
        "of them another to.prefix");
    CHECK(
        why_not({count, counted}).starts_with("derive: the metric fill.price.count is made twice"));
    CHECK(why_not_rule([](derived_series& r) {
              r.from.fields = {"a", "a"};
          }).starts_with("derive: the metric shop.a is made twice"));
    CHECK(validate({.derive = {price, other}}).starts_with("derive: the metric fill.price"));
}
}
