#pragma once

// Says how far a run is: one living line on a terminal, elsewhere a line for each tenth.

#include <atomic>
#include <cstdint>
#include <string>

namespace example {

class progress {
public:
    progress(std::string what, std::uint64_t total);

    // Threads: any.
    void add_one() noexcept { done_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t done() const noexcept { return done_.load(std::memory_order_relaxed); }

    // Threads: one. Returns: whether there is more to wait for.
    bool show();

private:
    std::string what_;
    std::uint64_t total_;
    std::atomic<std::uint64_t> done_{0};
    bool is_terminal_;
    std::uint64_t shown_ = 0; // percent
};

} // namespace example
