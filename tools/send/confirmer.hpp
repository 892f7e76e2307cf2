#pragma once

// Finds out up to which line everything is settled, so that sending can go on from there another
// time. It flushes once a second, on a thread of its own because a flush waits for the receiver.

#include <monarc/exporter.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace monarc::send {

class confirmer {
public:
    // `begin`: the line before the first.
    confirmer(exporter& to, std::uint64_t begin);
    // Closes the exporter, if nobody has: that ends a flush.
    ~confirmer();
    confirmer(const confirmer&) = delete;
    confirmer& operator=(const confirmer&) = delete;

    // Whatever comes of the lines up to this one was pushed.
    void reached(std::uint64_t line) noexcept { reached_.store(line, std::memory_order_release); }

    // Every line was reached: do not wait for the next second.
    void hurry();

    // Everything up to this line is settled. To be asked before the exporter is closed: what close
    // gives up counts as settled, too.
    std::uint64_t confirmed() const noexcept { return confirmed_.load(std::memory_order_acquire); }
    bool is_all_confirmed() const noexcept {
        return confirmed() == reached_.load(std::memory_order_relaxed);
    }

private:
    void run();

    exporter& to_;
    std::atomic<std::uint64_t> reached_;
    std::atomic<std::uint64_t> confirmed_;
    std::mutex lock_;
    std::condition_variable changed_;
    bool is_hurried_ = false;
    bool is_over_ = false;
    std::thread thread_;
};

} // namespace monarc::send
