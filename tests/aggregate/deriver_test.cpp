#include "aggregate/deriver.hpp"
#include "core/names.hpp"
#include "support/records.hpp"
#include "support/sanitizer.hpp"

#include <monarc/field.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace monarc::aggregate;
using support::made;
using support::made_record;
using support::run_time_record;
using support::with_run_time_keys;

namespace {

using lines = std::vector<std::string>;
using text_pairs = monasca_rules::text_pairs;

constexpr auto shop = "shop"_class;

derived_series rule(
    std::vector<std::string> fields,
    std::vector<std::string> dimensions = {},
    std::string prefix = {}) {
    return {
        .from =
            {.class_name = "shop",
             .fields = std::move(fields),
             .dimensions = std::move(dimensions)},
        .to = {.prefix = std::move(prefix)}};
}

// `name=value,… {key:value,…}` of each rule, with `+` behind the one that counts the record.
lines shown(const std::vector<deriver::derived>& all) {
    lines out;
    for (const auto& one : all) {
        std::string text;
        for (const auto& value : one.values.values) {
            text += fmt::format(
                "{}{}={}", text.empty() ? "" : ",", one.to->names[value.name], value.value);
        }
        text += " {";
        for (const auto& [key, value] : one.to->dimensions) {
            text += fmt::format("{}{}:{}", text.ends_with('{') ? "" : ",", key, value);
        }
        out.push_back(text + (one.values.counts ? "} +" : "}"));
    }
    return out;
}

lines derive(deriver& d, const made_record& record) {
    return shown(d.derive(intern_key("shop"), record.view()));
}

} // namespace

TEST_SUITE("aggregate/deriver") {
TEST_CASE("a derived metric is named prefix, class, field") {
    CHECK(derived_name(rule({"price"}, {}, "app"), "price") == "app.shop.price");
    CHECK(derived_name(rule({"price"}), "price") == "shop.price");
}

TEST_CASE("numeric fields of a class become values, whatever their type") {
    deriver d({rule({"i", "n", "r", "b"}, {}, "app")}, {});
    const auto record = made(
        shop("1"),
        "i"_key = -3,
        "n"_key = std::numeric_limits<std::uint64_t>::max(),
        "r"_key = 0.5,
        "b"_key = true);
    const lines expected{"app.shop.i=-3,app.shop.n=1.8446744073709552e+19,app.shop.r=0.5,"
                         "app.shop.b=1 {} +"};

    CHECK(derive(d, record) == expected);
    CHECK(derive(d, with_run_time_keys<"shop">(record)) == expected);
}

TEST_CASE("text fields of the same record become dimensions, sorted by key") {
    deriver d({rule({"price"}, {"town", "kind"})}, {{"hostname", "h"}});
    const auto record =
        made(shop("1"), "kind"_key = "book", "price"_key = 2, "town"_key = "Ulm", "x"_key = "y");
    const lines expected{"shop.price=2 {hostname:h,kind:book,town:Ulm} +"};

    CHECK(derive(d, record) == expected);
    CHECK(derive(d, with_run_time_keys<"shop">(record)) == expected);
}

TEST_CASE("a dimension of the record wins over the exporter's own of that name") {
    deriver d({rule({"price"}, {"hostname"})}, {{"hostname", "h"}, {"zone", "z"}});

    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "hostname"_key = "mine")) ==
        lines{"shop.price=2 {hostname:mine,zone:z} +"});
    CHECK(
        derive(d, made(shop("1"), "price"_key = 2)) == lines{"shop.price=2 {hostname:h,zone:z} +"});
}

TEST_CASE("the same dimensions are the same series, others another") {
    deriver d({rule({"price"}, {"town"})}, {});
    const auto series_of = [&](const made_record& record) {
        return d.derive(intern_key("shop"), record.view()).at(0).to;
    };
    const auto ulm = series_of(made(shop("1"), "price"_key = 2, "town"_key = "Ulm"));
    const auto again = series_of(made(shop("2"), "town"_key = "Ulm", "price"_key = 3));
    const auto bonn = series_of(made(shop("1"), "price"_key = 2, "town"_key = "Bonn"));

    CHECK(ulm == again);
    CHECK(ulm != bonn);
}

TEST_CASE("two dimensions are not mistaken for one another") {
    deriver d({rule({"price"}, {"a", "b"})}, {});

    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "a"_key = "x")) ==
        lines{"shop.price=2 {a:x} +"});
    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "b"_key = "x")) ==
        lines{"shop.price=2 {b:x} +"});
}

TEST_CASE("D-4.2 forbidden characters of a dimension become '_' and are counted") {
    deriver d({rule({"price"}, {"town"})}, {});

    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "town"_key = "a=b\n(c)")) ==
        lines{"shop.price=2 {town:a_b__c_} +"});
    CHECK(d.repaired() == 4);
    CHECK(d.left_out() == 0);
}

TEST_CASE("D-4.4 bytes of a dimension that are not UTF-8 become U+FFFD and are counted") {
    deriver d({rule({"price"}, {"town"})}, {});
    const auto record = made(shop("1"), "price"_key = 2, "town"_key = "a\xff\xc3");

    CHECK(derive(d, record) == lines{"shop.price=2 {town:a\uFFFD\uFFFD} +"});
    CHECK(d.repaired() == 1);
}

TEST_CASE("a dimension that is missing, empty, no text or null is left out") {
    deriver d({rule({"price"}, {"town"})}, {});
    const lines without{"shop.price=2 {} +"};

    CHECK(derive(d, made(shop("1"), "price"_key = 2)) == without);
    CHECK(derive(d, made(shop("1"), "price"_key = 2, "town"_key = "")) == without);
    CHECK(derive(d, made(shop("1"), "price"_key = 2, "town"_key = 7)) == without);
    CHECK(derive(d, made(shop("1"), "price"_key = 2, "town"_key = nullptr)) == without);
    CHECK(d.left_out() == 0);
}

TEST_CASE("a dimension that Monasca would refuse whole is left out and counted") {
    deriver d({rule({"price"}, {"town"})}, {});
    const lines without{"shop.price=2 {} +"};

    const std::string blank("   ");
    const std::string fits(255, 'a');
    const std::string too_long(256, 'a');
    CHECK(derive(d, made(shop("1"), "price"_key = 2, "town"_key = blank)) == without);
    CHECK(derive(d, made(shop("1"), "price"_key = 2, "town"_key = too_long)) == without);
    CHECK(d.left_out() == 2);
    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "town"_key = fits)) ==
        lines{"shop.price=2 {town:" + fits + "} +"});
}

TEST_CASE("series that differ only in what is left out are the same") {
    deriver d({rule({"price"}, {"town"})}, {});
    const auto series_of = [&](const std::string& town) {
        const auto record = made(shop("1"), "price"_key = 2, "town"_key = town);
        return d.derive(intern_key("shop"), record.view()).at(0).to;
    };

    const auto a = series_of(std::string(256, 'a'));
    const auto b = series_of(std::string(256, 'b'));
    const auto none = series_of("");

    CHECK(a == b);
    CHECK(a == none);
}

TEST_CASE("dimensions that are too much together are left out, the last of the rule first") {
    std::vector<std::string> keys;
    run_time_record<"shop"> record("1");
    record.add("price", 2);
    for (int i = 0; i < 16; ++i) {
        keys.push_back(fmt::format("{:02}", i) + std::string(253, 'k'));
        std::string value;
        for (int j = 0; j < 255; ++j) {
            value += "\u20ac"; // 3 bytes, one UTF-16 unit
        }
        record.add(keys.back(), value);
    }
    deriver d({rule({"price"}, keys)}, {{"hostname", std::string(255, 'h')}});

    const auto& all = d.derive(intern_key("shop"), static_cast<made_record>(record).view());

    REQUIRE(all.size() == 1);
    const auto& dimensions = all[0].to->dimensions;
    CHECK(monasca_rules::why_not_dimensions(dimensions) == "");
    CHECK(dimensions.size() == 16); // 16 of 1020 bytes and the exporter's own would be 16583
    CHECK(dimensions[14].first == keys[14]);
    CHECK(dimensions[15].first == "hostname");
}

TEST_CASE("own dimensions make room for the exporter's") {
    std::vector<std::string> keys;
    run_time_record<"shop"> record("1");
    record.add("price", 2);
    for (int i = 0; i < 16; ++i) {
        keys.push_back("k" + std::to_string(i));
        record.add(keys.back(), "v");
    }
    text_pairs added;
    for (int i = 0; i < 30; ++i) {
        added.emplace_back("added" + std::to_string(i), "v");
    }
    deriver d({rule({"price"}, keys)}, added);

    const auto& all = d.derive(intern_key("shop"), static_cast<made_record>(record).view());

    const auto& dimensions = all.at(0).to->dimensions;
    CHECK(monasca_rules::why_not_dimensions(dimensions) == "");
    CHECK(dimensions.size() == 32);
    CHECK(dimensions.back().first == "k1");
}

TEST_CASE("several rules of a class each give a series, and the record counts once") {
    deriver d({rule({"absent"}), rule({"price"}, {"town"}), rule({"price", "vat"}, {}, "all")}, {});

    CHECK(
        derive(d, made(shop("1"), "price"_key = 2, "vat"_key = 3, "town"_key = "Ulm")) ==
        lines{"shop.price=2 {town:Ulm} +", "all.shop.price=2,all.shop.vat=3 {}"});
}

TEST_CASE("a record without any of the fields gives nothing") {
    deriver d({rule({"price"}, {"town"})}, {});

    CHECK(derive(d, made(shop("1"), "town"_key = "Ulm")) == lines{});
    CHECK(derive(d, made(shop("1"), "price"_key = "dear", "town"_key = "Ulm")) == lines{});
    CHECK(derive(d, made(shop("1"), "price"_key = nullptr)) == lines{});
}

TEST_CASE("rules take records of their own class only") {
    auto other = rule({"price"});
    other.from.class_name = "bank";
    deriver d({rule({"price"}), other}, {});
    const auto record = made("bank"_class("1"), "price"_key = 2);

    CHECK(d.wants(intern_key("shop")));
    CHECK_FALSE(d.wants(intern_key("school")));
    CHECK(shown(d.derive(intern_key("bank"), record.view())) == lines{"bank.price=2 {} +"});
    CHECK(d.derive(intern_key("school"), record.view()).empty());
    CHECK(deriver({}, {}).is_empty());
    CHECK_FALSE(d.is_empty());
}

TEST_CASE("of a key given twice the later value counts, as number and as dimension") {
    deriver d({rule({"price"}, {"town"})}, {});
    const made_record record = run_time_record<"shop">("1")
                                   .add("price", 1)
                                   .add("town", "Ulm (old)")
                                   .add("price", 2.5)
                                   .add("town", "Bonn");

    CHECK(derive(d, record) == lines{"shop.price=2.5 {town:Bonn} +"});
    CHECK(d.repaired() == 0);
}

TEST_CASE("values that are no numbers are passed on for the table to judge") {
    deriver d({rule({"price"})}, {});

    CHECK(
        derive(d, made(shop("1"), "price"_key = std::numeric_limits<double>::infinity())) ==
        lines{"shop.price=inf {} +"});
}

TEST_CASE("the kind of a rule is its series' kind") {
    auto counted = rule({"price"});
    counted.to.kind = series_kind::counter;
    deriver d({counted}, {});

    const auto& all = d.derive(intern_key("shop"), made(shop("1"), "price"_key = 2).view());

    CHECK(all.at(0).to->kind == series_kind::counter);
}

TEST_CASE("a series is known as long as something is collected for it") {
    deriver d({rule({"price"}, {"town"})}, {});
    const auto record = made(shop("1"), "price"_key = 2, "town"_key = "Ulm");
    const auto kept = d.derive(intern_key("shop"), record.view()).at(0).to;

    d.forget_unused();

    CHECK(d.derive(intern_key("shop"), record.view()).at(0).to == kept);
}

TEST_CASE("derived series without a record for an interval are forgotten, table and deriver") {
    constexpr std::int64_t now = 1'800'000'003'000;
    deriver d({rule({"price"}, {"town"})}, {});
    series_table table({.max_records = 1000});
    std::weak_ptr<series_definition> seen;
    for (int i = 0; i < 100; ++i) {
        const auto town = std::to_string(i);
        const auto record = made(shop("1"), "price"_key = 2, "town"_key = town);
        for (const auto& one : d.derive(intern_key("shop"), record.view())) {
            table.add(one.to, one.values, now, false, now);
            seen = one.to;
        }
    }
    for (int end = 1; end <= 2; ++end) {
        REQUIRE(table.end_interval(now + end));
        CHECK(table.open_records() == (end == 1 ? 100 : 0));
        table.clear_batch();
        d.forget_unused();
    }

    CHECK(table.live_series() == 0);
    CHECK(seen.expired());
}

TEST_CASE("add_dimensions keeps what is there, adds the rest and sorts by key") {
    text_pairs own{{"z", "1"}, {"b", "2"}};
    add_dimensions(own, {{"b", "other"}, {"a", "3"}});

    CHECK(own == text_pairs{{"a", "3"}, {"b", "2"}, {"z", "1"}});
}

TEST_CASE("derived series of ever new dimensions take no more memory than they are counted with") {
    constexpr std::int64_t now = 1'800'000'003'000;
    constexpr std::size_t most = 1 << 20;
    deriver d({rule({"price"}, {"customer"})}, {});
    series_table table({.max_records = 1000});
    table.set_max_collected_bytes(most);
    const auto heap_bytes = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
    const auto before = heap_bytes();
    auto most_heap = before;
    std::uint64_t sent = 0;
    for (int i = 0; i < 30'000; ++i) {
        const auto customer = fmt::format("customer-{:08}", i);
        const auto record = made(shop("1"), "price"_key = 2, "customer"_key = customer);
        for (const auto& one : d.derive(intern_key("shop"), record.view())) {
            table.add(one.to, one.values, now, false, now);
        }
        while (table.is_crowded()) { // as metrics_stage does
            if (table.is_full()) {
                sent += table.open_batch().records;
                table.clear_batch();
            }
            table.evict_one(now);
        }
        most_heap = std::max(most_heap, heap_bytes());
    }

    CHECK(sent + table.open_records() == 30'000);
    CHECK(table.live_series() > 500);
    if (!support::is_sanitized) { // a sanitizer has a heap of its own
        CHECK(most_heap > before + most / 2);
        CHECK(most_heap < before + 2 * most); // the batch and tables that double beside it
    }
}

TEST_CASE("a burst of derived series leaves no memory behind when it is over") {
    constexpr std::int64_t now = 1'800'000'003'000;
    deriver d({rule({"price"}, {"customer"})}, {});
    const auto heap_bytes = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
    const auto before = heap_bytes();
    {
        series_table table({.max_records = 100'000});
        for (int i = 0; i < 20'000; ++i) {
            const auto customer = fmt::format("customer-{:08}", i);
            const auto record = made(shop("1"), "price"_key = 2, "customer"_key = customer);
            for (const auto& one : d.derive(intern_key("shop"), record.view())) {
                table.add(one.to, one.values, now, false, now);
            }
        }
        CHECK((support::is_sanitized || heap_bytes() > before + 1'000'000));
    }
    d.forget_unused();

    CHECK(heap_bytes() < before + 100'000);
}

TEST_CASE("a derived series is counted once, whatever intervals its values fall into") {
    constexpr std::int64_t now = 1'800'000'003'000;
    const auto bytes_with = [](std::size_t own_bytes) {
        series_table table({.max_records = 1000});
        const auto of = std::make_shared<series_definition>();
        of->names = {"price"};
        of->own_bytes = own_bytes;
        const auto add = [&](std::int64_t at, bool has_own_time) {
            table.add(of, {.values = {{.name = 0, .value = 1.0}}}, at, has_own_time, now);
        };
        for (int i = 0; i < 10; ++i) {
            add(now - 20'000 * (i + 1), true);
        }
        add(now, false);
        const auto bytes = table.memory_bytes();
        table.drop_all();
        add(now, false);
        CHECK(table.memory_bytes() >= own_bytes);
        return bytes;
    };

    CHECK(bytes_with(5000) == bytes_with(0) + 5000);
}
}
