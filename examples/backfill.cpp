// A backfill: rows of an existing data set, each with its own time, through mona-client's
// export_batch. The daily bars of sp500.csv become contexts of class "bar" that are stamped with
// their days, years ago. At the end three independent counts are compared: what this program
// exported, what the exporter says it delivered, what the receiver stored.
//
// The same without a line of code: monarc send sp500.csv --class bar --id date --time date

#include "arguments.hpp"
#include "report.hpp"
#include "sink_process.hpp"

#include <monarc/mona_client.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <span>
#include <string>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;
namespace mona = monarc::mona;

namespace {

constexpr std::size_t fields_of_row = 7;
constexpr std::size_t batch_rows = 500;

// Of the text YYYY-MM-DD: its first second, UTC.
std::chrono::sys_seconds day_of(const std::string& text) {
    const int year = std::atoi(text.c_str());
    const auto month = static_cast<unsigned>(std::atoi(text.c_str() + 5));
    const auto day = static_cast<unsigned>(std::atoi(text.c_str() + 8));
    return std::chrono::sys_days(
        std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
}

// date,open,high,low,close,adjclose,volume
std::vector<mona::event> read_bars(const std::string& path) {
    std::vector<mona::event> bars;
    std::ifstream file(path);
    std::string line;
    std::getline(file, line); // the names
    while (std::getline(file, line)) {
        char date[11];
        double open = 0, high = 0, low = 0, close = 0, adjusted = 0;
        std::int64_t volume = 0;
        const auto cells = std::sscanf(
            line.c_str(),
            "%10[0-9-],%lf,%lf,%lf,%lf,%lf,%ld",
            date,
            &open,
            &high,
            &low,
            &close,
            &adjusted,
            &volume);
        if (cells != 7) {
            continue;
        }
        const std::string id(date);
        bars.push_back(
            {.arc_class = "bar",
             .context_id = id,
             .export_timestamp = day_of(id),
             .message = monarc::object(
                 "sequence"_key = bars.size() + 1,
                 "open"_key = open,
                 "high"_key = high,
                 "low"_key = low,
                 "close"_key = close,
                 "adjclose"_key = adjusted,
                 "volume"_key = volume)});
    }
    return bars;
}

void start_client(std::uint16_t port) {
    mona::client_options client;
    client.forward.port = port;
    client.forward.user_id = "backfill";
    client.forward.use_tls = false;
    client.forward.ack = true;                 // a backfill wants to know
    client.exporter.queue.block_timeout = 10s; // and to wait for room instead of losing rows
    client.exporter.close_timeout = 60s;
    mona::init_client(client);
}

example::ledger compare(
    std::uint64_t rows,
    unsigned passes,
    const monarc::exporter_stats& stats,
    const example::sink_summary& stored) {
    // Each event begins with a class message, a record of its own.
    const auto sum = rows * (rows + 1) / 2 * passes;
    const auto& to_mona = stats.destinations.at(0);
    return {
        "Mona",
        stats.is_exact() && stored.is_valid,
        to_mona,
        {{"records", 2 * rows * passes, to_mona.delivered, stored.records + stored.class_messages},
         {"fields", fields_of_row * rows * passes, {}, stored.fields},
         {"contexts", rows, {}, stored.contexts},
         {"count of sequence", rows * passes, {}, stored.sum_count},
         {"sum of sequence", sum, {}, stored.sum}}};
}

} // namespace

int main(int argc, char** argv) try {
    example::arguments a{.data = "examples/data/sp500.csv", .store = "backfill.ndjson"};
    CLI::App app(
        "Exports the rows of a file to Mona, each with its own time, played by a local sink, and "
        "proves that all arrived.",
        "backfill");
    example::add_options(app, a);
    int exit_code = 0;
    if (!example::parse(app, argc, argv, exit_code)) {
        return exit_code;
    }
    const auto bars = read_bars(a.data);
    if (bars.empty()) {
        std::fprintf(stderr, "backfill: no bars in '%s'; see --help\n", a.data.c_str());
        return 2;
    }
    std::remove(a.store.c_str()); // what an earlier run left would be counted too
    example::sink_process sink(
        a.monarc, {.store = a.store, .lose = a.must_break ? bars.size() / 2 : 0});
    if (!sink.start()) {
        return 2;
    }
    start_client(sink.port());

    const auto begin = std::chrono::steady_clock::now();
    const std::span all(bars);
    for (unsigned pass = 0; pass < a.passes; ++pass) {
        for (std::size_t at = 0; at < all.size(); at += batch_rows) {
            mona::export_batch(all.subspan(at, std::min(batch_rows, all.size() - at)));
        }
    }
    const auto pushed = std::chrono::steady_clock::now();
    mona::close();
    const auto delivered = std::chrono::steady_clock::now();

    auto stats = monarc::process_exporter().stats();
    auto ledger = compare(bars.size(), a.passes, stats, sink.stop());
    std::printf(
        "backfill: %zu days from %s to %s\n",
        bars.size(),
        bars.front().context_id.c_str(),
        bars.back().context_id.c_str());
    return example::finish(
        {.example = "backfill",
         .data_rows = bars.size(),
         .contexts = bars.size(),
         .pushing = pushed - begin,
         .delivered = delivered - begin,
         .stats = std::move(stats),
         .ledgers = {std::move(ledger)}},
        a.json);
} catch (const std::exception& error) {
    std::fprintf(stderr, "backfill: %s\n", error.what());
    return 2;
}
