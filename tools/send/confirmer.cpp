#include "send/confirmer.hpp"

#include "core/start_thread.hpp"

#include <chrono>

namespace monarc::send {
namespace {

constexpr std::chrono::milliseconds interval(1000);
constexpr std::chrono::milliseconds short_interval(5);
constexpr auto for_ever = std::chrono::hours(24 * 365); // close ends a flush

} // namespace

confirmer::confirmer(exporter& to, std::uint64_t begin)
    : to_(to), reached_(begin), confirmed_(begin), thread_(start_thread([this] { run(); })) {}

confirmer::~confirmer() {
    {
        const std::lock_guard guard(lock_);
        is_over_ = true;
    }
    changed_.notify_one();
    to_.close(std::chrono::milliseconds(0));
    thread_.join();
}

void confirmer::hurry() {
    {
        const std::lock_guard guard(lock_);
        is_hurried_ = true;
    }
    changed_.notify_one();
}

void confirmer::run() {
    bool was_hurried = false;
    while (true) {
        {
            std::unique_lock held(lock_);
            changed_.wait_for(held, was_hurried ? short_interval : interval, [&] {
                return is_over_ || is_hurried_ != was_hurried;
            });
            was_hurried = is_hurried_;
            if (is_over_) {
                return;
            }
        }
        const auto line = reached_.load(std::memory_order_acquire);
        if (line == confirmed()) {
            continue;
        }
        const auto result = to_.flush(for_ever);
        if (!result.error && result.pending == 0) {
            confirmed_.store(line, std::memory_order_release);
        }
    }
}

} // namespace monarc::send
