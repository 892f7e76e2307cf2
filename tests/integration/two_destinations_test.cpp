// One exporter, contexts to Mona and series to Monasca: whatever one of the two does, the other's
// deliveries are complete, in order and counted (delivery.md D-1.1, D-1.7; F46).

#include "support/monasca_receiver.hpp"
#include "support/three_counts.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

using namespace monarc;
using namespace monarc::support;
using namespace std::chrono_literals;

namespace {

exporter_options both(const forward_receiver& mona, const monasca_receiver& monasca) {
    auto options = quick_options(mona);
    options.monasca = monasca_options{
        .url = monasca.url(),
        .token = secret("a-token"),
        .interval = 1s,
        .dimensions = std::map<std::string, std::string>{{"hostname", "web-1"}}};
    options.derive = {
        {.from = {.class_name = "fill", .fields = {"price", "size"}, .dimensions = {"venue"}},
         .to = {.prefix = "orders", .kind = series_kind::counter}}};
    return options;
}

const destination_stats& of(const exporter_stats& stats, std::string_view name) {
    const auto one =
        std::find_if(stats.destinations.begin(), stats.destinations.end(), [&](const auto& d) {
            return d.name == name;
        });
    REQUIRE(one != stats.destinations.end());
    return *one;
}

// What the application handed over, counted by itself.
struct books {
    application calls;          // all pushes; fields of contexts
    std::uint64_t contexts = 0; // records
    std::uint64_t series = 0;
    std::uint64_t fills = 0; // of contexts: those that Monasca gets as well
    std::uint64_t requests = 0;
    double sizes = 0;
    double prices = 0;
};

// `count` rounds: two records of a context, one of a class that is derived from, two of series.
void push_rounds(
    exporter& e,
    const context& run,
    const series& requests,
    const series& each,
    int count,
    books& b) {
    for (int i = 0; i < count; ++i) {
        const auto n = b.contexts;
        b.calls.count(run.push("n"_key = n));
        b.calls.count(
            e.push(
                "fill"_class(n),
                "price"_key = 0.25 * i,
                "size"_key = i,
                "venue"_key = i % 2 == 0 ? "X|NAS" : "XNYS"),
            3);
        b.contexts += 2;
        ++b.fills;
        b.sizes += i;
        b.prices += 0.25 * i;
        b.calls.count(requests.push(1), 0);
        b.calls.count(each.push(static_cast<double>(i), "round"_key = i), 0);
        b.series += 2;
        ++b.requests;
    }
}

// The values that a name has in the store at the end: of a point written twice the last.
double stored_sum(const monasca_receiver& receiver, std::string_view name) {
    std::map<std::pair<std::string, std::int64_t>, double> points;
    for (const auto& m : receiver.measurements()) {
        if (m.what.name == name) {
            std::string key;
            for (const auto& [dimension, value] : m.what.dimensions) {
                key += dimension + '=' + value + '\n';
            }
            points[{key, static_cast<std::int64_t>(m.what.timestamp)}] = m.what.value;
        }
    }
    double sum = 0;
    for (const auto& [key, value] : points) {
        sum += value;
    }
    return sum;
}

// D-1.7 for both. At rest.
void check_both(
    const books& b,
    const exporter_stats& stats,
    const forward_receiver& mona,
    const monasca_receiver& monasca) {
    CHECK(stats.is_exact());
    CHECK(stats.accepted == b.calls.accepted());
    CHECK(stats.pushed == b.calls.accepted() + b.calls.refused());

    const auto& to_mona = of(stats, "mona_forward");
    CHECK(to_mona.accepted == b.contexts);
    CHECK(to_mona.delivered == b.contexts);
    CHECK(to_mona.pending == 0);
    CHECK(mona.fields() == b.calls.fields());
    CHECK(mona.protocol_errors() == std::vector<std::string>());

    const auto& to_monasca = of(stats, "monasca");
    CHECK(to_monasca.accepted == b.series + b.fills);
    CHECK(to_monasca.delivered == b.series + b.fills);
    CHECK(to_monasca.pending == 0);
    const auto summary = monasca.summary();
    CHECK(summary.violations == 0);
    CHECK(stored_sum(monasca, "requests") == static_cast<double>(b.requests));
    CHECK(stored_sum(monasca, "orders.fill.size") == b.sizes);
    CHECK(stored_sum(monasca, "orders.fill.price") == b.prices);
    REQUIRE(summary.find("each") != nullptr);
    CHECK(summary.find("each")->overwritten == 0);
}

void check_order(const forward_receiver& mona, std::uint64_t contexts) {
    const auto numbers = applied_by_context(mona, "n").at("run");
    CHECK(numbers.size() == contexts / 2);
    CHECK(ascends(numbers, true));
}

} // namespace

TEST_SUITE("integration/two_destinations") {
TEST_CASE("D-1.7 both ledgers are exact when both receivers are well") {
    forward_receiver mona;
    monasca_receiver monasca;
    mona.start();
    monasca.start();
    exporter e(both(mona, monasca));
    const auto run = e.open_context("run", "run");
    const auto requests =
        e.open_series("requests", {{"route", "/v1"}}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    books b;

    push_rounds(e, run, requests, each, rounds(2000), b);
    const auto result = e.close(patience(10s));

    CHECK(result.is_clean());
    check_both(b, e.stats(), mona, monasca);
    check_order(mona, b.contexts);
    CHECK(monasca.requests().front().http.path == "/v2.0/metrics");
}

TEST_CASE("F46 a dead Monasca changes nothing for Mona, and gets all when it comes back") {
    forward_receiver mona;
    monasca_receiver monasca;
    mona.start();
    exporter e(both(mona, monasca));
    const auto run = e.open_context("run", "run");
    const auto requests = e.open_series("requests", {}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    books b;

    push_rounds(e, run, requests, each, rounds(1000), b);
    CHECK(wait_until(
        [&] { return of(e.stats(), "mona_forward").delivered == b.contexts; }, patience(5s)));
    CHECK(of(e.stats(), "monasca").delivered == 0);
    CHECK(of(e.stats(), "mona_forward").state == health::ok);
    monasca.start();
    push_rounds(e, run, requests, each, rounds(1000), b);
    const auto result = e.close(patience(10s));

    CHECK(result.is_clean());
    check_both(b, e.stats(), mona, monasca);
    check_order(mona, b.contexts);
}

TEST_CASE("F46 a dead Mona changes nothing for Monasca, and gets all in order when it comes back") {
    forward_receiver mona;
    monasca_receiver monasca;
    monasca.start();
    exporter e(both(mona, monasca));
    const auto run = e.open_context("run", "run");
    const auto requests = e.open_series("requests", {}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    books b;

    push_rounds(e, run, requests, each, rounds(1000), b);
    CHECK(wait_until(
        [&] { return of(e.stats(), "monasca").delivered == b.series + b.fills; }, patience(5s)));
    CHECK(of(e.stats(), "mona_forward").delivered == 0);
    CHECK(of(e.stats(), "monasca").state == health::ok);
    mona.start();
    const auto result = e.close(patience(10s));

    CHECK(result.is_clean());
    check_both(b, e.stats(), mona, monasca);
    check_order(mona, b.contexts);
}

TEST_CASE("a slow Monasca keeps its pace, Mona keeps its own") {
    forward_receiver mona;
    monasca_receiver monasca;
    monasca.on_request([](const monasca_request&, monasca_reaction& r) { r.wait = 300ms; });
    mona.start();
    monasca.start();
    exporter e(both(mona, monasca));
    const auto run = e.open_context("run", "run");
    const auto requests = e.open_series("requests", {}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    books b;

    for (int i = 0; i < 5; ++i) {
        push_rounds(e, run, requests, each, 100, b);
        CHECK(wait_until(
            [&] { return of(e.stats(), "mona_forward").delivered == b.contexts; }, patience(5s)));
        std::this_thread::sleep_for(50ms);
    }
    const auto result = e.close(patience(10s));

    CHECK(result.is_clean());
    check_both(b, e.stats(), mona, monasca);
    check_order(mona, b.contexts);
}

TEST_CASE(
    "both flap: answers lost, errors, closed connections; every record arrives, counted once") {
    forward_receiver mona;
    monasca_receiver monasca;
    monasca.on_request([](const monasca_request& request, monasca_reaction& r) {
        switch (request.number % 5) {
        case 1: r.refuse(503, {{"Retry-After", "0"}}); break;
        case 2: r.lose_answer(); break;
        case 3: r.refuse(500); break;
        default: break;
        }
    });
    std::atomic<int> messages{0};
    mona.on_message([&](const received_message&, reaction& r) {
        if (++messages % 4 == 1) {
            r.answer.clear(); // stored, but its sender never learns of it
            r.then = reaction::ending::reset;
        }
    });
    mona.start();
    monasca.start();
    auto options = both(mona, monasca);
    options.close_timeout = 60s;
    exporter e(options);
    const auto run = e.open_context("run", "run");
    const auto requests = e.open_series("requests", {}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    books b;

    for (int i = 0; i < 6; ++i) {
        push_rounds(e, run, requests, each, 50, b);
        std::this_thread::sleep_for(20ms);
    }
    const auto result = e.close(patience(30s));

    CHECK(result.is_clean());
    check_both(b, e.stats(), mona, monasca);
    check_order(mona, b.contexts);
    CHECK(of(e.stats(), "monasca").retries != 0);
    CHECK(of(e.stats(), "mona_forward").retries != 0);
}

TEST_CASE("eight threads push to both while one after the other is away") {
    forward_receiver mona;
    monasca_receiver monasca;
    mona.start();
    monasca.start();
    exporter e(both(mona, monasca));
    const auto requests = e.open_series("requests", {}, {.kind = series_kind::counter});
    const auto each = e.open_series("each", {}, {.kind = series_kind::every});
    std::vector<books> all(8);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < all.size(); ++t) {
        threads.emplace_back([&, t] {
            const auto run = e.open_context("run", "run-" + std::to_string(t));
            for (int i = 0; i < 20; ++i) {
                push_rounds(e, run, requests, each, rounds(40), all[t]);
                std::this_thread::sleep_for(5ms);
            }
        });
    }
    monasca.stop();
    std::this_thread::sleep_for(30ms);
    monasca.start();
    mona.stop();
    std::this_thread::sleep_for(30ms);
    mona.start();
    for (auto& one : threads) {
        one.join();
    }
    const auto result = e.close(patience(20s));

    CHECK(result.is_clean());
    const auto stats = e.stats();
    CHECK(stats.is_exact());
    std::uint64_t counted = 0;
    std::uint64_t contexts = 0;
    std::uint64_t fields = 0;
    double sizes = 0;
    for (const auto& b : all) {
        counted += b.requests;
        contexts += b.contexts;
        sizes += b.sizes;
        fields += b.calls.fields();
        CHECK(b.calls.refused() == 0);
    }
    CHECK(of(stats, "mona_forward").delivered == contexts);
    CHECK(mona.fields() == fields);
    CHECK(stored_sum(monasca, "requests") == static_cast<double>(counted));
    CHECK(stored_sum(monasca, "orders.fill.size") == sizes);
    CHECK(monasca.summary().violations == 0);
}
}
