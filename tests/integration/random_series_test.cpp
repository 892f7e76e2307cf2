// A million random series and values through local validation into a Monasca with strict rules: it
// refuses nothing and finds nothing that would hurt its store; every repair and drop is counted.

#include "aggregate/deriver.hpp"
#include "aggregate/series_table.hpp"
#include "core/fields.hpp"
#include "core/utf8.hpp"
#include "destinations/monasca_wire.hpp"
#include "pipeline/series_registry.hpp"
#include "sink/monasca_api.hpp"
#include "support/three_counts.hpp"

#include <monarc/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

using namespace monarc;
using namespace monarc::support;

namespace {

constexpr std::int64_t now = 1'795'293'815'967; // milliseconds since 1970

class data_source {
public:
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    // Mostly a few good characters, often one that somebody refuses, now and then very long.
    std::string text() {
        static constexpr std::array<std::string_view, 30> pieces{
            "a",  "b",  "cpu", "x.y",      "-",  "_",
            "1",  "/",  ":",   "é",        "字", "\xf0\x9f\x98\x80",
            "<",  ">",  "=",   "{",        "}",  ",",
            "\"", "\\", ";",   "&",        "(",  ")",
            "|",  " ",  "\n",  "\xc2\x85", "\t", "time"};
        std::string all;
        const auto length = below(40) == 0 ? below(400) : below(6);
        const auto from = below(3) == 0 ? pieces.size() : std::size_t{12};
        for (std::uint64_t i = 0; i < length; ++i) {
            all += pieces[below(from)];
        }
        if (below(50) == 0) {
            all.insert(0, 1, '\0');
        }
        return all;
    }

    // Also what is no UTF-8.
    std::string bytes() {
        auto all = text();
        if (below(20) == 0) {
            all += static_cast<char>(0x80 + below(0x80));
        }
        return all;
    }

    double value() {
        switch (below(12)) {
        case 0: return std::numeric_limits<double>::quiet_NaN();
        case 1: return std::numeric_limits<double>::infinity();
        case 2: return -std::numeric_limits<double>::max();
        case 3: return std::numeric_limits<double>::denorm_min();
        case 4: return static_cast<double>(random_());
        case 5: {
            const auto bits = random_();
            double any = 0;
            std::memcpy(&any, &bits, sizeof any);
            return any;
        }
        default: return static_cast<double>(below(1'000'000)) / 1000.0;
        }
    }

    std::int64_t time() {
        constexpr std::int64_t day = 24LL * 3600 * 1000;
        switch (below(6)) {
        case 0: return now - static_cast<std::int64_t>(below(20 * day));
        case 1: return now + static_cast<std::int64_t>(below(120'000));
        case 2: return static_cast<std::int64_t>(random_());
        default: return now - static_cast<std::int64_t>(below(1000));
        }
    }

private:
    std::mt19937_64 random_{20261122};
};

// What becomes of sealed batches.
class strict_monasca {
public:
    void take(const measurement_batch& batch) {
        if (batch.is_empty()) {
            return;
        }
        const auto sent = wire_.encode(batch, {});
        sink::http_request request;
        request.method = "POST";
        request.path = "/v2.0/metrics";
        request.fields = {{"X-Auth-Token", "t"}, {"Content-Type", "application/json"}};
        request.body = sent.body;
        const auto answer = api_.serve(request, now);
        CHECK(answer.status == 204);
        if (answer.status != 204 && shown_++ < 5) {
            MESSAGE(answer.body, " for ", sent.body.substr(0, 2000));
        }
        records_ += sent.records;
        measurements_ += batch.entries.size();
    }
    sink::monasca_summary summary() const { return api_.snapshot(); }
    std::uint64_t records() const { return records_; }
    std::uint64_t measurements() const { return measurements_; }

private:
    destinations::monasca_wire wire_{std::chrono::seconds(300)};
    sink::monasca_api api_{sink::monasca_options{
        .max_store_bytes = std::size_t{16} << 20,
        .log = [this](std::string_view line) { // only the first few
            if (shown_++ < 20) {
                MESSAGE(std::string(line));
            }
        }}};
    std::uint64_t records_ = 0;
    std::uint64_t measurements_ = 0;
    int shown_ = 0;
};

} // namespace

TEST_SUITE("integration/random_series") {
TEST_CASE("D-4.2 a million random series and values: no 422, no violation, all of it counted") {
    const int all = 1'000'000;
    const int pushes =
        rounds(all) == all ? all : 20'000; // a sanitizer needs no more to see a fault
    data_source random;
    strict_monasca to;
    aggregate::series_table table({});
    const monasca_rules::text_pairs added{{"hostname", "web-1"}};
    pipeline::series_registry registry(added);
    // Half of them opened by name, half derived from a context's fields.
    aggregate::deriver derive(
        {{.from = {.class_name = "fill", .fields = {"price"}, .dimensions = {"venue", "desk"}},
          .to = {.prefix = "orders", .kind = series_kind::every}}},
        added);
    const auto class_name = intern_key("fill");
    const auto price = intern_key("price");
    const std::array<key_number, 2> texts{intern_key("venue"), intern_key("desk")};
    std::uint64_t refused = 0;
    std::uint64_t accepted = 0;

    const auto make_room = [&] {
        if (table.is_full()) {
            to.take(table.open_batch());
            table.clear_batch();
        }
    };
    for (int i = 0; i < pushes; ++i) {
        const auto kind = static_cast<series_kind>(random.below(4));
        const auto value = random.value();
        const auto at = random.time();
        if (random.below(2) == 0) {
            std::shared_ptr<series_definition> series;
            try {
                std::map<std::string, std::string> own;
                for (auto n = random.below(4); n != 0; --n) {
                    own.insert_or_assign(random.bytes(), random.bytes());
                }
                series = registry.open(random.bytes(), dimensions(own), {.kind = kind});
            } catch (const std::system_error& error) {
                refused += error.code() == errc::bad_series ? 1 : 0;
                continue;
            }
            ++accepted;
            aggregate::series_values values;
            values.values.push_back({.name = 0, .value = value});
            if (kind == series_kind::every) {
                for (auto n = random.below(20); n != 0; --n) {
                    std::string key;
                    std::string text;
                    append_utf8(random.bytes(), key);
                    append_utf8(random.bytes(), text);
                    const bool is_new =
                        std::none_of(values.meta.begin(), values.meta.end(), [&](const auto& m) {
                            return m.first == key;
                        });
                    if (is_new) {
                        values.meta.emplace_back(key, text);
                    }
                }
            }
            make_room();
            table.add(series, values, at, random.below(2) == 0, now);
        } else {
            std::string body(sizeof(std::uint32_t), '\0');
            append_self_described(body, price, detail::value_type::real, &value, sizeof value);
            for (const auto key : texts) {
                const auto text = random.bytes();
                append_self_described(
                    body, key, detail::value_type::text, text.data(), text.size());
            }
            const record_view record{
                .shape = detail::record_shape,
                .stamp = 1,
                .when = detail::no_time,
                .context = nullptr,
                .body = body,
                .id = "1"};
            ++accepted;
            for (const auto& one : derive.derive(class_name, record)) {
                make_room();
                table.add(one.to, one.values, at, true, now);
            }
        }
        if (i % 5000 == 0) {
            while (!table.end_interval(now)) {
                make_room();
            }
            derive.forget_unused();
        }
    }
    while (!table.end_interval(now)) {
        make_room();
    }
    to.take(table.open_batch());
    table.clear_batch();

    const auto summary = to.summary();
    CHECK(summary.violations == 0);
    CHECK(summary.responses.size() == 1);
    CHECK(summary.accepted == to.measurements());
    CHECK(to.records() + table.counts().dropped.total() == accepted);
    CHECK(refused != 0);
    CHECK(table.counts().dropped[reason::invalid_record] != 0);
    CHECK(derive.repaired() != 0);
    CHECK(derive.left_out() != 0);
    MESSAGE(
        pushes,
        " pushes: ",
        refused,
        " refused at open_series, ",
        table.counts().dropped.total(),
        " dropped, ",
        derive.repaired(),
        " characters repaired, ",
        to.measurements(),
        " measurements taken");
}
}
