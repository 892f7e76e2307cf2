// An ML-serving loop: four threads score flights with a small model and export features, score and
// the columns of the file. At the end three independent counts are compared: what this program
// pushed, what the exporter says it delivered, and what the receiver stored.

#include "sink_process.hpp"

#include <monarc/monarc.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

struct arguments {
    std::string data = "examples/data/flights.csv";
    std::string monarc = "monarc";
    std::string store = "flights.ndjson";
    unsigned threads = 4;
    unsigned passes = 5;
    unsigned kills = 0;
    bool must_break = false;
};

constexpr std::string_view help =
    R"(Scores flights on several threads, exports features and scores to a local sink, and proves that all arrived.

  --data FILE    the flights (examples/data/flights.csv)
  --monarc PATH  the program monarc, whose sink receives (monarc)
  --store FILE   where the sink keeps the events; it is written anew (flights.ndjson)
  --threads N    that score (4)
  --passes N     over the file, for each thread (5)
  --kill N       times that the sink is killed with SIGKILL and started again meanwhile (0)
  --break        let the sink lose one record: the ledger must notice
  --help

Exit codes: 0 ledger: exact; 1 ledger: NOT exact; 2 wrong arguments, no data or no sink.
)";

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
    std::uint64_t pushes = 0, refused = 0, fields = 0, reserved = 0, contexts = 0;
    std::uint64_t sequences = 0, sequence_sum = 0, sequence_xor = 0;

    count& operator+=(const count& other) {
        pushes += other.pushes;
        refused += other.refused;
        fields += other.fields;
        reserved += other.reserved;
        contexts += other.contexts;
        sequences += other.sequences;
        sequence_sum += other.sequence_sum;
        sequence_xor ^= other.sequence_xor;
        return *this;
    }
};

// The serving loop of one thread. Here nothing may be lost, so a push that is refused is made
// again; a service that must not wait would go on, and stats() would say how many were refused.
count serve(
    monarc::exporter& exporter,
    const std::vector<flight>& flights,
    const delay_model& model,
    unsigned thread,
    unsigned passes,
    std::atomic<std::uint64_t>& progress) {
    constexpr auto scored = "flight"_class;
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
        for (std::size_t row = 0; row < flights.size(); ++row) {
            const auto& f = flights[row];
            char id[64];
            const auto id_bytes = std::snprintf(id, sizeof id, "%zu-%u-%u", row, thread, pass);
            const std::string_view run(id, static_cast<std::size_t>(id_bytes));
            const auto sequence = (std::uint64_t{pass} * flights.size() + row) * 1000 + thread + 1;
            const auto score = model.score(f);

            until_accepted([&] {
                return exporter.push(
                    scored(run),
                    "sequence"_key = sequence,
                    "hour"_key = f.hour,
                    "traffic"_key = f.traffic,
                    "score"_key = score,
                    "late"_key = score > 0.5);
            });
            until_accepted([&] { return exporter.push(scored(run), f.columns); });

            mine.fields += 5 + f.kept_columns;
            mine.reserved += 7 - f.kept_columns;
            ++mine.contexts;
            ++mine.sequences;
            mine.sequence_sum += sequence;
            mine.sequence_xor ^= sequence;
            progress.fetch_add(1, std::memory_order_relaxed);
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
    std::printf("  %-22s", what);
    std::optional<std::uint64_t> first;
    bool same = true;
    for (const auto& count : {application, exporter, sink}) {
        if (count) {
            same = same && *count == first.value_or(*count);
            first = count;
            std::printf(" %12" PRIu64, *count);
        } else {
            std::printf(" %12s", "");
        }
    }
    std::printf("%s\n", same ? "" : "   <- differ");
    return same;
}

int usage(const std::string& wrong) {
    std::fprintf(stderr, "flight_delays: %s; see --help\n", wrong.c_str());
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
        } else if (name == "--threads" && number > 0 && number < 1000) {
            a.threads = number;
        } else if (name == "--passes" && number > 0) {
            a.passes = number;
        } else if (name == "--kill") {
            a.kills = number;
        } else {
            return usage(
                "unknown option or value out of range: " + std::string(name) + " " + value);
        }
    }
    const auto flights = read_flights(a.data);
    if (flights.empty()) {
        return usage("no flights in '" + a.data + "'");
    }
    const delay_model model(flights);
    std::remove(a.store.c_str());
    example::sink_process sink(a.monarc, a.store, a.must_break ? flights.size() / 2 : 0);
    if (!sink.start()) {
        return 2;
    }

    monarc::exporter exporter({
        .mona = monarc::mona_forward_options{.port = sink.port(), .user_id = "flights"},
        .close_timeout = 60s,
        .log = [](const monarc::log_line&) {}, // the kills would be in it
    });
    const auto total = std::uint64_t{a.threads} * a.passes * flights.size();
    std::printf(
        "%zu flights, %u threads, %u passes: %" PRIu64 " contexts of their own\n",
        flights.size(),
        a.threads,
        a.passes,
        total);

    std::atomic<std::uint64_t> progress{0};
    std::vector<count> counts(a.threads);
    const auto begin = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (unsigned t = 0; t < a.threads; ++t) {
            threads.emplace_back(
                [&, t] { counts[t] = serve(exporter, flights, model, t, a.passes, progress); });
        }
        for (unsigned k = 1; k <= a.kills; ++k) {
            while (progress.load() < total * k / (a.kills + 1)) {
                std::this_thread::sleep_for(1ms);
            }
            sink.kill();
            std::this_thread::sleep_for(100ms);
            if (!sink.start()) {
                return 2;
            }
            std::printf(
                "sink killed and started again at %" PRIu64 " of %" PRIu64 "\n",
                progress.load(),
                total);
        }
    }
    const std::chrono::duration<double> pushing = std::chrono::steady_clock::now() - begin;
    exporter.close(60s);
    const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
    const auto stats = exporter.stats();
    const auto stored = sink.stop();

    count mine;
    for (const auto& one : counts) {
        mine += one;
    }
    const auto& d = stats.destinations.at(0);
    std::printf(
        "pushed in %.2f s, delivered in %.2f s; %.1f bytes a record on the wire\n",
        pushing.count(),
        all.count(),
        static_cast<double>(d.wire_bytes) /
            static_cast<double>(std::max<std::uint64_t>(1, d.delivered)));
    std::printf("  %-22s %12s %12s %12s\n", "", "application", "exporter", "sink");
    bool exact = stored.is_valid && stats.is_exact();
    exact &= agree("pushes", mine.pushes + mine.refused, stats.pushed, {});
    exact &= agree("accepted", mine.pushes, stats.accepted, {});
    exact &= agree("refused", mine.refused, stats.rejected.total(), {});
    exact &= agree("delivered", mine.pushes, d.delivered, {});
    exact &= agree("stripped fields", mine.reserved, stats.stripped_fields, {});
    exact &= agree("fields", mine.fields, stats.fields - stats.stripped_fields, stored.fields);
    exact &= agree("contexts", mine.contexts, {}, stored.contexts);
    exact &= agree("events", {}, d.events, stored.events);
    exact &= agree("count of sequence", mine.sequences, {}, stored.sum_count);
    exact &= agree("sum of sequence", mine.sequence_sum, {}, stored.sum);
    exact &= agree("xor of sequence", mine.sequence_xor, {}, stored.sum_xor);
    std::printf(
        "  events that came again, told apart by their chunk: %" PRIu64 "\n", stored.repeats);
    std::printf("ledger: %s\n", exact ? "exact" : "NOT exact");
    return exact ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "flight_delays: %s\n", error.what());
    return 2;
}
