#pragma once

// What a run of an example ends with: figures, and for each destination the ledger beside what its
// sink stored.

#include "pusher.hpp"

#include <monarc/stats.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace example {

// One count, taken in up to three places that know nothing of each other.
struct ledger_row {
    std::string what;
    std::optional<std::uint64_t> application, exporter, sink;

    bool agrees() const noexcept;
};

struct ledger {
    std::string destination;
    bool is_valid = false; // the exporter's own ledger adds up, and the sink has said what it has
    monarc::destination_stats counted{};
    std::vector<ledger_row> rows{};

    bool is_exact() const noexcept;
};

struct report {
    std::string example;
    std::uint64_t data_rows = 0;
    std::uint64_t contexts = 0;
    std::uint64_t refused = 0; // pushes that were made again
    push_times times{};
    std::chrono::duration<double> pushing{};   // until the last push
    std::chrono::duration<double> delivered{}; // until all was acknowledged
    monarc::exporter_stats stats{};
    std::vector<ledger> ledgers{};
};

// Prints it, and writes it to `json` too unless that is empty. Returns: the exit code.
int finish(const report& r, const std::string& json);

} // namespace example
