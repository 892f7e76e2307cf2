// An ML-serving loop: four threads score flights with a small model. A context for each flight,
// with features, score and the columns of the file, goes to Mona; how many were scored, how many
// will be late and how long the model took goes to Monasca. At the end three independent counts are
// compared for both: what this program pushed, what the exporter says it delivered, what the
// receiver stored.

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
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

// One row: what the model needs, and the columns as they stand in the file.
struct flight {
    double delay = 0;
    double distance = 0;
    double hour = 0;
    double traffic = 0; // rows with the same origin
    monarc::record columns;
    unsigned kept_columns = 0; // without those whose names begin with MONA_
};

std::vector<flight> read_flights(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
        return {};
    }
    const auto cells = [](const std::string& of) {
        std::vector<std::string> all;
        std::istringstream in(of);
        for (std::string cell; std::getline(in, cell, ',');) {
            all.push_back(cell);
        }
        return all;
    };
    const auto names = cells(line);
    const std::vector<monarc::key> keys(names.begin(), names.end()); // interned once, not per row

    std::vector<flight> flights;
    std::vector<std::string> origins;
    std::unordered_map<std::string, double> traffic;
    while (std::getline(file, line)) {
        const auto row = cells(line);
        if (row.size() != names.size()) {
            continue;
        }
        flight f;
        for (std::size_t i = 0; i < row.size(); ++i) {
            char* end = nullptr;
            const auto value = std::strtoll(row[i].c_str(), &end, 10);
            if (end != row[i].c_str() && *end == '\0') {
                f.columns.add(keys[i], static_cast<std::int64_t>(value));
            } else {
                f.columns.add(keys[i], row[i]);
            }
            f.kept_columns += names[i].starts_with("MONA_") ? 0 : 1;
        }
        f.hour = std::atof(row[0].c_str() + 11);
        f.delay = std::atof(row[1].c_str());
        f.distance = std::atof(row[2].c_str());
        origins.push_back(row[3]);
        ++traffic[row[3]];
        flights.push_back(std::move(f));
    }
    for (std::size_t i = 0; i < flights.size(); ++i) {
        flights[i].traffic = traffic[origins[i]];
    }
    return flights;
}

// A score above it is a warning.
constexpr double usual_share_of_late = 0.2;

// Logistic regression: will the flight be more than 15 minutes late?
class delay_model {
public:
    explicit delay_model(const std::vector<flight>& flights) {
        constexpr int epochs = 20;
        constexpr double rate = 0.05;
        for (int epoch = 0; epoch < epochs; ++epoch) {
            for (const auto& f : flights) {
                const auto x = features(f);
                const auto error = (f.delay > 15 ? 1.0 : 0.0) - score(f);
                for (std::size_t i = 0; i < x.size(); ++i) {
                    weights_[i] += rate * error * x[i];
                }
            }
        }
    }

    double score(const flight& f) const {
        const auto x = features(f);
        double sum = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            sum += weights_[i] * x[i];
        }
        return 1 / (1 + std::exp(-sum));
    }

private:
    static std::array<double, 4> features(const flight& f) {
        return {1, f.distance / 1000, f.hour / 24, f.traffic / 250};
    }

    std::array<double, 4> weights_{};
};

// The application's own books.
struct count {
    std::uint64_t pushes = 0, refused = 0, fields = 0, reserved = 0, contexts = 0, late = 0;
    std::uint64_t sequence_sum = 0, sequence_xor = 0;
    example::push_times times{};

    count& operator+=(const count& other) {
        pushes += other.pushes;
        refused += other.refused;
        fields += other.fields;
        reserved += other.reserved;
        contexts += other.contexts;
        late += other.late;
        sequence_sum += other.sequence_sum;
        sequence_xor ^= other.sequence_xor;
        times.insert(times.end(), other.times.begin(), other.times.end());
        return *this;
    }
};

// The serving loop of one thread.
count serve(
    monarc::exporter& exporter,
    const std::vector<flight>& flights,
    const delay_model& model,
    unsigned thread,
    unsigned passes,
    example::progress& progress) {
    constexpr auto class_of_flights = "flight"_class;
    const auto number = std::to_string(thread);
    const monarc::dimensions dimensions{{"thread", number}};
    const monarc::series_options counter{.kind = monarc::series_kind::counter};
    const auto scored = exporter.open_series("flights.scored", dimensions, counter);
    const auto late = exporter.open_series("flights.late", dimensions, counter);
    const auto scoring = exporter.open_series(
        "flights.scoring",
        dimensions,
        {.kind = monarc::series_kind::timer,
         .percentiles = {50, 99},
         .unit = monarc::time_unit::microseconds});
    count mine;
    example::pusher push;
    exporter.warm_up();
    for (unsigned pass = 0; pass < passes; ++pass) {
        for (std::size_t row = 0; row < flights.size(); ++row) {
            const auto& f = flights[row];
            char id[64];
            const auto id_bytes = std::snprintf(id, sizeof id, "%zu-%u-%u", row, thread, pass);
            const std::string_view run(id, static_cast<std::size_t>(id_bytes));
            const auto sequence = (std::uint64_t{pass} * flights.size() + row) * 1000 + thread + 1;
            const auto begin = std::chrono::steady_clock::now();
            const auto score = model.score(f);
            const auto took = std::chrono::steady_clock::now() - begin;
            const bool is_late = score > usual_share_of_late;

            push([&] {
                return exporter.push(
                    class_of_flights(run),
                    "sequence"_key = sequence,
                    "hour"_key = f.hour,
                    "traffic"_key = f.traffic,
                    "score"_key = score,
                    "late"_key = is_late);
            });
            push([&] { return exporter.push(class_of_flights(run), f.columns); });
            push([&] { return scored.push(1); });
            push([&] { return scoring.push(took); });
            if (is_late) {
                push([&] { return late.push(1); });
            }

            mine.fields += 5 + f.kept_columns;
            mine.reserved += 7 - f.kept_columns;
            ++mine.contexts;
            mine.late += is_late ? 1 : 0;
            mine.sequence_sum += sequence;
            mine.sequence_xor ^= sequence;
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
    const auto values = mine.contexts * 2 + mine.late;
    // A series' value is a field too, one without a name.
    const auto fields = stats.fields - stats.stripped_fields - to_monasca.delivered;
    const bool adds_up = stats.is_exact();
    return {
        {"Mona",
         adds_up && mona.is_valid,
         to_mona,
         {{"pushes", mine.pushes + mine.refused, stats.pushed, {}},
          {"refused", mine.refused, stats.rejected.total(), {}},
          {"records", mine.contexts * 2, to_mona.delivered, {}},
          {"stripped fields", mine.reserved, stats.stripped_fields, {}},
          {"fields", mine.fields, fields, mona.fields},
          {"contexts", mine.contexts, {}, mona.contexts},
          {"events", {}, to_mona.events, mona.events},
          {"count of sequence", mine.contexts, {}, mona.sum_count},
          {"sum of sequence", mine.sequence_sum, {}, mona.sum},
          {"xor of sequence", mine.sequence_xor, {}, mona.sum_xor}}},
        {"Monasca",
         adds_up && monasca.is_valid,
         to_monasca,
         {{"values", values, to_monasca.delivered, {}},
          {"flights scored", mine.contexts, {}, monasca.sum_of("flights.scored")},
          {"flights late", mine.late, {}, monasca.sum_of("flights.late")},
          {"scorings timed", mine.contexts, {}, monasca.sum_of("flights.scoring.count")},
          {"measurements", {}, to_monasca.events, monasca.measurements},
          {"violations", 0, {}, monasca.violations}}},
    };
}

int fail(const std::string& wrong) {
    std::fprintf(stderr, "flight_delays: %s; see --help\n", wrong.c_str());
    return 2;
}

} // namespace

int main(int argc, char** argv) try {
    example::arguments a{
        .data = "examples/data/flights.csv", .store = "flights.ndjson", .passes = 5};
    unsigned threads = 4;
    unsigned kills = 0;
    CLI::App app(
        "Scores flights on several threads, exports contexts to Mona and series to Monasca, both "
        "played by a local sink, and proves that all arrived.",
        "flight_delays");
    example::add_options(app, a);
    app.add_option("--threads", threads, "Threads that score")
        ->check(CLI::Range(1u, 999u))
        ->capture_default_str();
    app.add_option(
           "--kill", kills, "Times that Mona's sink is killed with SIGKILL and started again")
        ->capture_default_str();
    int exit_code = 0;
    if (!example::parse(app, argc, argv, exit_code)) {
        return exit_code;
    }
    const auto flights = read_flights(a.data);
    if (flights.empty()) {
        return fail("no flights in '" + a.data + "'");
    }
    const delay_model model(flights);
    example::receivers receivers(a, flights.size() / 2);
    if (!receivers.start()) {
        return 2;
    }
    auto options = receivers.options("flights");
    options.log = [](const monarc::log_line&) {}; // the kills would be in it
    monarc::exporter exporter(options);
    std::printf(
        "flight_delays: %zu flights, %u threads, %u passes\n", flights.size(), threads, a.passes);

    const auto total = std::uint64_t{threads} * a.passes * flights.size();
    example::progress progress("contexts", total);
    std::vector<count> counts(threads);
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> all;
        for (unsigned t = 0; t < threads; ++t) {
            all.emplace_back(
                [&, t] { counts[t] = serve(exporter, flights, model, t, a.passes, progress); });
        }
        unsigned killed = 0;
        while (progress.show() || killed < kills) {
            if (killed < kills && progress.done() >= total * (killed + 1) / (kills + 1)) {
                if (!receivers.restart_mona()) {
                    return 2;
                }
                ++killed;
                std::printf(
                    "sink killed and started again at %" PRIu64 " of %" PRIu64 "\n",
                    progress.done(),
                    total);
            }
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
        {.example = "flight_delays",
         .data_rows = flights.size(),
         .contexts = mine.contexts,
         .refused = mine.refused,
         .times = std::move(mine.times),
         .pushing = pushed - begin,
         .delivered = delivered - begin,
         .stats = std::move(stats),
         .ledgers = std::move(ledgers)},
        a.json);
} catch (const std::exception& error) {
    std::fprintf(stderr, "flight_delays: %s\n", error.what());
    return 2;
}
