#pragma once

// What every integration test ends with (D-1.7): the application's own counts, the exporter's terms
// and what the receiver stored must agree.

#include "support/forward_receiver.hpp"

#include <monarc/monarc.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::support {

// Counts what the calls returned. Threads: any.
class application {
public:
    bool count(bool accepted, std::uint64_t fields = 1) noexcept {
        (accepted ? accepted_ : refused_).fetch_add(1, std::memory_order_relaxed);
        fields_.fetch_add(accepted ? fields : 0, std::memory_order_relaxed);
        return accepted;
    }
    std::uint64_t accepted() const noexcept { return accepted_; }
    std::uint64_t refused() const noexcept { return refused_; }
    std::uint64_t fields() const noexcept { return fields_; } // of what was accepted

private:
    std::atomic<std::uint64_t> accepted_{0}, refused_{0}, fields_{0};
};

struct ledger_case {
    // 0: every record was delivered, or filtered. Else how many fields each record has, so that
    // those of lost records can be told.
    std::uint64_t fields_per_record = 0;
    // Some of what was dropped or dead had reached the receiver, only its acknowledgement was lost.
    bool answers_were_lost = false;
};

// At rest: after flush or close.
void check_ledger(
    const application& app,
    const exporter_stats& stats,
    const forward_receiver& receiver,
    const ledger_case& how = {});

// The values of a whole-number field, in the order in which they first arrived, by context.
std::map<std::string, std::vector<std::uint64_t>>
numbers_by_context(const forward_receiver& receiver, std::string_view key);

// The same for what a receiver that applies repeats as well ends up with (D-5.4): of each number
// the last arrival counts.
std::map<std::string, std::vector<std::uint64_t>>
applied_by_context(const forward_receiver& receiver, std::string_view key);

// Whether numbers ascend without a repeat; `gaps` says whether some may be missing.
bool ascends(const std::vector<std::uint64_t>& numbers, bool gaps = false);

// Collects log lines. Threads: any.
class log_book {
public:
    log_function writer() {
        return [this](const log_line& line) {
            const std::lock_guard guard(lock_);
            lines_.push_back({line.level, std::string(line.text)});
        };
    }
    struct entry {
        log_level level;
        std::string text;
    };
    std::vector<entry> lines() const {
        const std::lock_guard guard(lock_);
        return lines_;
    }
    std::size_t count(std::string_view part) const;

private:
    mutable std::mutex lock_;
    std::vector<entry> lines_;
};

// Options for tests: small waits, a small pool, one second for an answer, the receiver's port.
exporter_options quick_options(const forward_receiver& receiver, mona_forward_options mona = {});

// Fewer rounds under a sanitizer (MONARC_TEST_SANITIZER), more time.
int rounds(int plain);
std::chrono::milliseconds patience(std::chrono::milliseconds plain);

using steady = std::chrono::steady_clock;
inline std::chrono::milliseconds since(steady::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin);
}

// Looks every millisecond. Returns: whether it became true in time.
template <class Condition>
bool wait_until(Condition&& is_true, std::chrono::milliseconds timeout) {
    const auto deadline = steady::now() + timeout;
    while (!is_true()) {
        if (steady::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

} // namespace monarc::support
