// A trading loop on real daily bars of the S&P 500 index: two threads walk the bars' prices as
// ticks and push a context for each bar to Mona, and series to Monasca: the last price, the traded
// volume, how long a decision took, each signal. At the end the ledgers of both destinations are
// compared: what this program pushed, what the exporter says it delivered, what the sink has.

#include "arguments.hpp"
#include "progress.hpp"
#include "pusher.hpp"
#include "receivers.hpp"
#include "report.hpp"

#include <monarc/monarc.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

struct bar {
    std::string date;
    std::array<double, 4> prices{}; // open, high, low, close
    std::uint64_t volume = 0;
};

std::vector<bar> read_bars(const std::string& path) {
    std::ifstream file(path);
    std::vector<bar> bars;
    std::string line;
    std::getline(file, line); // the names of the columns
    while (std::getline(file, line)) {
        bar b;
        std::array<char, 16> date{};
        double adjusted = 0;
        if (std::sscanf(
                line.c_str(),
                "%15[^,],%lf,%lf,%lf,%lf,%lf,%" SCNu64,
                date.data(),
                &b.prices[0],
                &b.prices[1],
                &b.prices[2],
                &b.prices[3],
                &adjusted,
                &b.volume) == 7) {
            b.date = date.data();
            bars.push_back(std::move(b));
        }
    }
    return bars;
}

// The application's own books.
struct count {
    std::uint64_t pushes = 0, refused = 0, contexts = 0, fields = 0, sequence_sum = 0;
    std::uint64_t ticks = 0, volume = 0, signals = 0;
    example::push_times times{};

    count& operator+=(const count& other) {
        pushes += other.pushes;
        refused += other.refused;
        contexts += other.contexts;
        fields += other.fields;
        sequence_sum += other.sequence_sum;
        ticks += other.ticks;
        volume += other.volume;
        signals += other.signals;
        times.insert(times.end(), other.times.begin(), other.times.end());
        return *this;
    }
};

// Above its moving average by a tenth of a percent: buy; below: sell.
class strategy {
public:
    int decide(double price) {
        average_ = average_ == 0 ? price : average_ + (price - average_) / 32;
        const double margin = average_ / 1000;
        const int wanted = price > average_ + margin ? 1 : price < average_ - margin ? -1 : 0;
        return std::exchange(position_, wanted) != wanted ? wanted : 0;
    }
    double average() const { return average_; }

private:
    double average_ = 0;
    int position_ = 0;
};

// One thread.
count trade(
    monarc::exporter& exporter,
    const std::vector<bar>& bars,
    unsigned thread,
    unsigned passes,
    example::progress& progress) {
    const auto desk = thread == 0 ? "left" : "right";
    const auto price = exporter.open_series("sp500.price", {{"desk", desk}});
    const auto volume = exporter.open_series(
        "sp500.volume", {{"desk", desk}}, {.kind = monarc::series_kind::counter});
    const auto ticks = exporter.open_series(
        "sp500.ticks", {{"desk", desk}}, {.kind = monarc::series_kind::counter});
    const auto decision = exporter.open_series(
        "sp500.decision",
        {{"desk", desk}},
        {.kind = monarc::series_kind::timer,
         .percentiles = {50, 99},
         .unit = monarc::time_unit::microseconds});
    const auto signals = exporter.open_series(
        "sp500.signals", {{"desk", desk}}, {.kind = monarc::series_kind::counter});
    strategy rule;
    count mine;
    example::pusher push;
    exporter.warm_up();
    for (unsigned pass = 0; pass < passes; ++pass) {
        for (std::size_t row = 0; row < bars.size(); ++row) {
            const auto& b = bars[row];
            std::array<char, 64> id{};
            const auto id_bytes =
                std::snprintf(id.data(), id.size(), "%s-%u-%u", b.date.c_str(), thread, pass);
            const auto run =
                exporter.open_context("bar", {id.data(), static_cast<std::size_t>(id_bytes)});
            ++mine.contexts;
            int last_signal = 0;
            for (const double p : b.prices) {
                const auto begin = std::chrono::steady_clock::now();
                const int signal = rule.decide(p);
                const auto took = std::chrono::steady_clock::now() - begin;
                last_signal = signal != 0 ? signal : last_signal;
                push([&] { return price.push(p); });
                push([&] { return ticks.push(1); });
                push([&] { return decision.push(took); });
                ++mine.ticks;
                if (signal != 0) {
                    push([&] { return signals.push(1); });
                    ++mine.signals;
                }
            }
            push([&] { return volume.push(static_cast<double>(b.volume)); });
            mine.volume += b.volume;
            const auto sequence = (std::uint64_t{pass} * bars.size() + row) * 2 + thread + 1;
            push([&] {
                return run.push(
                    "sequence"_key = sequence,
                    "open"_key = b.prices[0],
                    "high"_key = b.prices[1],
                    "low"_key = b.prices[2],
                    "close"_key = b.prices[3]);
            });
            push([&] {
                return run.push(
                    "average"_key = rule.average(),
                    "signal"_key = last_signal,
                    "date"_key = b.date);
            });
            mine.fields += 8;
            mine.sequence_sum += sequence;
            progress.add_one();
        }
    }
    mine.pushes = push.accepted();
    mine.refused = push.refused();
    mine.times = push.times();
    return mine;
}

std::vector<example::ledger> compare(
    const count& mine,
    const monarc::exporter_stats& stats,
    const example::receivers::summaries& stored) {
    const auto& to_mona = stats.destinations.at(0);
    const auto& to_monasca = stats.destinations.at(1);
    const auto& mona = stored.mona;
    const auto& monasca = stored.monasca;
    const auto values = mine.ticks * 3 + mine.signals + mine.contexts;
    // A series' value is a field too, one without a name.
    const auto fields = stats.fields - to_monasca.delivered;
    const bool adds_up = stats.is_exact();
    return {
        {"Mona",
         adds_up && mona.is_valid,
         to_mona,
         {{"pushes", mine.pushes + mine.refused, stats.pushed, {}},
          {"refused", mine.refused, stats.rejected.total(), {}},
          {"records", mine.contexts * 2, to_mona.delivered, {}},
          {"fields", mine.fields, fields, mona.fields},
          {"contexts", mine.contexts, {}, mona.contexts},
          {"events", {}, to_mona.events, mona.events},
          {"count of sequence", mine.contexts, {}, mona.sum_count},
          {"sum of sequence", mine.sequence_sum, {}, mona.sum}}},
        {"Monasca",
         adds_up && monasca.is_valid,
         to_monasca,
         {{"values", values, to_monasca.delivered, {}},
          {"ticks", mine.ticks, {}, monasca.sum_of("sp500.ticks")},
          {"volume", mine.volume, {}, monasca.sum_of("sp500.volume")},
          {"signals", mine.signals, {}, monasca.sum_of("sp500.signals")},
          {"decisions timed", mine.ticks, {}, monasca.sum_of("sp500.decision.count")},
          {"measurements", {}, to_monasca.events, monasca.measurements},
          {"violations", 0, {}, monasca.violations}}},
    };
}

int fail(const std::string& wrong) {
    std::fprintf(stderr, "order_flow: %s; see --help\n", wrong.c_str());
    return 2;
}

} // namespace

int main(int argc, char** argv) try {
    example::arguments a{.data = "examples/data/sp500.csv", .store = "ticks.ndjson", .passes = 10};
    CLI::App app(
        "Trades a moving average on daily bars from two threads, exports contexts to Mona and "
        "series to Monasca, both played by a local sink, and proves that all arrived.",
        "order_flow");
    example::add_options(app, a);
    int exit_code = 0;
    if (!example::parse(app, argc, argv, exit_code)) {
        return exit_code;
    }
    const auto bars = read_bars(a.data);
    if (bars.empty()) {
        return fail("no bars in '" + a.data + "'");
    }
    example::receivers receivers(a, bars.size() / 2);
    if (!receivers.start()) {
        return 2;
    }
    monarc::exporter exporter(receivers.options("desk"));
    constexpr unsigned threads = 2;
    std::printf("order_flow: %zu bars, %u threads, %u passes\n", bars.size(), threads, a.passes);

    example::progress progress("contexts", std::uint64_t{threads} * a.passes * bars.size());
    std::array<count, threads> counts;
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> all;
        for (unsigned t = 0; t < threads; ++t) {
            all.emplace_back([&, t] { counts[t] = trade(exporter, bars, t, a.passes, progress); });
        }
        while (progress.show()) {
            std::this_thread::sleep_for(1ms);
        }
    }
    const auto pushed = std::chrono::steady_clock::now();
    exporter.close(60s);
    const auto delivered = std::chrono::steady_clock::now();

    count mine;
    for (const auto& one : counts) {
        mine += one;
    }
    auto stats = exporter.stats();
    auto ledgers = compare(mine, stats, receivers.stop());
    return example::finish(
        {.example = "order_flow",
         .data_rows = bars.size(),
         .contexts = mine.contexts,
         .refused = mine.refused,
         .times = std::move(mine.times),
         .pushing = pushed - begin,
         .delivered = delivered - begin,
         .stats = std::move(stats),
         .ledgers = std::move(ledgers)},
        a.json);
} catch (const std::exception& error) {
    std::fprintf(stderr, "order_flow: %s\n", error.what());
    return 2;
}
