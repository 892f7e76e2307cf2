#pragma once

// How it ended: the ledger, and an exit code that tells the truth.

#include <monarc/stats.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::send {

enum class ending {
    complete,     // the input was read to its end, or to --limit
    interrupted,  // by a signal
    gave_up,      // nothing was acknowledged for too long
    too_many_bad, // lines
    failed,       // the input could not be read further
};

struct summary {
    ending how = ending::complete;
    int signal = 0;              // that interrupted it
    std::string file{};          // as it is shown
    std::uint64_t last_line = 0; // that was read
    std::uint64_t confirmed = 0; // everything up to this line is settled
    std::uint64_t skipped = 0;   // lines, by --skip-lines
    std::uint64_t records = 0;   // handed over
    std::uint64_t bad_lines = 0; // left out
    std::uint64_t repaired = 0;  // characters
    std::uint64_t bytes_read = 0;
    std::string resume{}; // what else is to be said to go on from there
    std::chrono::milliseconds took{0};
    std::int64_t peak_kib = 0; // of memory
    exporter_stats stats{};

    // Records that no receiver has: dead, dropped, or refused by the exporter.
    std::uint64_t lost() const noexcept;
};

inline constexpr int exit_complete = 0;
inline constexpr int exit_lost = 1;
inline constexpr int exit_wrong_arguments = 2;
inline constexpr int exit_bad_lines = 3;
inline constexpr int exit_signal = 128; // and its number

int exit_code(const summary& s) noexcept;

// Several lines, each with its line feed.
std::string to_text(const summary& s);
// One object and a line feed.
std::string to_json(const summary& s);

// Of this process, as the kernel counts it.
std::int64_t peak_memory_kib() noexcept;

} // namespace monarc::send
