// A trading loop on real daily bars of the S&P 500 index: two threads walk the bars' prices as
// ticks and push a context for each bar to Mona, and series to Monasca: the last price, the traded
// volume, how long a decision took, each signal. At the end the ledgers of both destinations are
// compared: what this program pushed, what the exporter says it delivered, what the sink has.

#include "sink_process.hpp"

#include <monarc/monarc.hpp>

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

struct arguments {
    std::string data = "examples/data/sp500.csv";
    std::string monarc = "monarc";
    std::string store = "ticks.ndjson";
    unsigned passes = 10;
    bool must_break = false;
};

constexpr std::string_view help =
    R"(Trades a moving average on daily bars from two threads, exports contexts to Mona and series to Monasca, both
played by a local sink, and proves that all arrived.

  --data FILE    daily bars: date,open,high,low,close,adjclose,volume (examples/data/sp500.csv)
  --monarc PATH  the program monarc, whose sink receives (monarc)
  --store FILE   where the sink keeps the events; it is written anew (ticks.ndjson)
  --passes N     over the file, for each thread (10)
  --break        let the sink lose one record: the ledger must notice
  --help

Exit codes: 0 both ledgers exact; 1 one is NOT exact; 2 wrong arguments, no data or no sink.
)";

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
    std::uint64_t pushes = 0, refused = 0, contexts = 0, fields = 0, sequences = 0,
                  sequence_sum = 0;
    std::uint64_t ticks = 0, volume = 0, signals = 0, decisions = 0;

    count& operator+=(const count& other) {
        pushes += other.pushes;
        refused += other.refused;
        contexts += other.contexts;
        fields += other.fields;
        sequences += other.sequences;
        sequence_sum += other.sequence_sum;
        ticks += other.ticks;
        volume += other.volume;
        signals += other.signals;
        decisions += other.decisions;
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

// One thread. Here nothing may be lost, so a push that is refused is made again; a trading engine
// would go on, and stats() would say how many were refused.
count trade(
    monarc::exporter& exporter, const std::vector<bar>& bars, unsigned thread, unsigned passes) {
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
    const auto until_accepted = [&](auto push) {
        while (!push()) {
            ++mine.refused;
            std::this_thread::sleep_for(100us);
        }
        ++mine.pushes;
    };
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
                until_accepted([&] { return price.push(p); });
                until_accepted([&] { return ticks.push(1); });
                until_accepted([&] { return decision.push(took); });
                ++mine.ticks;
                ++mine.decisions;
                if (signal != 0) {
                    until_accepted([&] { return signals.push(1); });
                    ++mine.signals;
                }
            }
            until_accepted([&] { return volume.push(static_cast<double>(b.volume)); });
            mine.volume += b.volume;
            const auto sequence = (std::uint64_t{pass} * bars.size() + row) * 2 + thread + 1;
            until_accepted([&] {
                return run.push(
                    "sequence"_key = sequence,
                    "open"_key = b.prices[0],
                    "high"_key = b.prices[1],
                    "low"_key = b.prices[2],
                    "close"_key = b.prices[3]);
            });
            until_accepted([&] {
                return run.push(
                    "average"_key = rule.average(),
                    "signal"_key = last_signal,
                    "date"_key = b.date);
            });
            mine.fields += 8;
            ++mine.sequences;
            mine.sequence_sum += sequence;
        }
    }
    return mine;
}

// One row of the table at the end; a column that has no such count of its own is left out.
bool agree(
    const char* what,
    std::optional<std::uint64_t> application,
    std::optional<std::uint64_t> exporter,
    std::optional<std::uint64_t> sink) {
    std::printf("  %-26s", what);
    std::optional<std::uint64_t> first;
    bool same = true;
    for (const auto& count : {application, exporter, sink}) {
        if (count) {
            same = same && *count == first.value_or(*count);
            first = count;
            std::printf(" %16" PRIu64, *count);
        } else {
            std::printf(" %16s", "");
        }
    }
    std::printf("%s\n", same ? "" : "   <- differ");
    return same;
}

int usage(const std::string& wrong) {
    std::fprintf(stderr, "order_flow: %s; see --help\n", wrong.c_str());
    return 2;
}

} // namespace

int main(int argc, char** argv) try {
    arguments a;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help") {
            std::fwrite(help.data(), 1, help.size(), stdout);
            return 0;
        }
        if (name == "--break") {
            a.must_break = true;
            continue;
        }
        if (i + 1 == argc) {
            return usage("unknown option, or a value is missing: " + std::string(name));
        }
        const std::string value = argv[++i];
        const auto number = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
        if (name == "--data") {
            a.data = value;
        } else if (name == "--monarc") {
            a.monarc = value;
        } else if (name == "--store") {
            a.store = value;
        } else if (name == "--passes" && number > 0) {
            a.passes = number;
        } else {
            return usage(
                "unknown option or value out of range: " + std::string(name) + " " + value);
        }
    }
    const auto bars = read_bars(a.data);
    if (bars.empty()) {
        return usage("no bars in '" + a.data + "'");
    }
    std::remove(a.store.c_str());
    example::sink_process sink(a.monarc, a.store, a.must_break ? bars.size() / 2 : 0, true);
    if (!sink.start()) {
        return 2;
    }

    monarc::exporter exporter({
        .mona = monarc::mona_forward_options{.port = sink.port(), .user_id = "desk"},
        .monasca =
            monarc::monasca_options{
                .url = "http://127.0.0.1:" + std::to_string(sink.monasca_port()) + "/v2.0",
                .token = monarc::secret("example"),
                .interval = 1s},
        .close_timeout = 60s,
    });
    constexpr unsigned threads = 2;
    std::printf("%zu bars, %u threads, %u passes\n", bars.size(), threads, a.passes);
    std::array<count, threads> counts;
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> all;
        for (unsigned t = 0; t < threads; ++t) {
            all.emplace_back([&, t] { counts[t] = trade(exporter, bars, t, a.passes); });
        }
    }
    const std::chrono::duration<double> pushing = std::chrono::steady_clock::now() - begin;
    exporter.close(60s);
    const auto stats = exporter.stats();
    const auto stored = sink.stop();

    count mine;
    for (const auto& one : counts) {
        mine += one;
    }
    const auto& to_mona = stats.destinations.at(0);
    const auto& to_monasca = stats.destinations.at(1);
    const auto series_pushes = mine.ticks * 2 + mine.decisions + mine.signals + mine.contexts;
    std::printf(
        "%" PRIu64 " pushes in %.2f s; %" PRIu64 " payloads to Mona, %" PRIu64 " to Monasca\n",
        mine.pushes,
        pushing.count(),
        to_mona.payloads,
        to_monasca.payloads);
    std::printf("  %-26s %16s %16s %16s\n", "", "application", "exporter", "sink");
    bool mona = stored.is_valid && stats.is_exact();
    mona &= agree("pushes", mine.pushes + mine.refused, stats.pushed, {});
    mona &= agree("Mona: records", mine.contexts * 2, to_mona.delivered, {});
    mona &= agree("Mona: fields", mine.fields, {}, stored.fields);
    mona &= agree("Mona: contexts", mine.contexts, {}, stored.contexts);
    mona &= agree("Mona: events", {}, to_mona.events, stored.events);
    mona &= agree("Mona: count of sequence", mine.sequences, {}, stored.sum_count);
    mona &= agree("Mona: sum of sequence", mine.sequence_sum, {}, stored.sum);
    bool monasca = stored.is_valid && stats.is_exact();
    monasca &= agree("Monasca: values", series_pushes, to_monasca.delivered, {});
    monasca &= agree("Monasca: ticks", mine.ticks, {}, stored.sum_of("sp500.ticks"));
    monasca &= agree("Monasca: volume", mine.volume, {}, stored.sum_of("sp500.volume"));
    monasca &= agree("Monasca: signals", mine.signals, {}, stored.sum_of("sp500.signals"));
    monasca &=
        agree("Monasca: decisions", mine.decisions, {}, stored.sum_of("sp500.decision.count"));
    monasca &= agree("Monasca: measurements", {}, to_monasca.events, stored.measurements);
    monasca &= agree("Monasca: violations", 0, {}, stored.violations);
    std::printf(
        "ledger of Mona: %s\nledger of Monasca: %s\n",
        mona ? "exact" : "NOT exact",
        monasca ? "exact" : "NOT exact");
    return mona && monasca ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "order_flow: %s\n", error.what());
    return 2;
}
