#include "send/stop_signals.hpp"

#include <signal.h>

#include <atomic>

namespace monarc::send {
namespace {

std::atomic<int> count{0};
std::atomic<int> first{0};
static_assert(std::atomic<int>::is_always_lock_free); // safe in a signal handler

void count_signal(int number) {
    int none = 0;
    first.compare_exchange_strong(none, number);
    ++count;
}

} // namespace

void catch_stop_signals() noexcept {
    struct sigaction action = {};
    action.sa_handler = count_signal;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

int stop_signals() noexcept {
    return count.load(std::memory_order_relaxed);
}
int first_stop_signal() noexcept {
    return first.load(std::memory_order_relaxed);
}

} // namespace monarc::send
