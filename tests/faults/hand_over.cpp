// Several threads hand records to one through the queue. Free of races; annotations_test.py builds
// it with and without what src/queue/record_queue.cpp tells thread sanitizer.

#include "queue/record_queue.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 4;
constexpr std::uint64_t each = 20'000;
constexpr std::uint64_t backlog = 1024; // short, so that blocks are used again and again

// Relaxed: they order nothing, so that nothing but the queue does.
std::atomic<std::uint64_t> pushed{0};
std::atomic<std::uint64_t> taken{0};

class sum_taker final : public monarc::queue::record_taker {
public:
    void take(monarc::queued_record record) noexcept override {
        std::uint64_t value = 0;
        std::memcpy(&value, record.view().body.data(), sizeof value);
        sum += value;
        taken.fetch_add(1, std::memory_order_relaxed);
    }

    std::uint64_t sum = 0;
};

void push_all(monarc::queue::record_queue& to) {
    for (std::uint64_t i = 0; i < each; ++i) {
        while (pushed.load(std::memory_order_relaxed) - taken.load(std::memory_order_relaxed) >
               backlog) {
            std::this_thread::yield();
        }
        pushed.fetch_add(1, std::memory_order_relaxed);
        monarc::detail::laid_record r{};
        r.when = monarc::detail::no_time;
        std::memcpy(r.fixed, &i, sizeof i);
        const auto head = monarc::detail::head_of(2, sizeof i, sizeof i, 0);
        while (!monarc::detail::push_text(static_cast<monarc::detail::gate*>(&to), r, head)) {
            std::this_thread::yield();
        }
    }
}

} // namespace

int main() {
    auto& queue = *new monarc::queue::record_queue(
        {.capacity_slots = 4096, .memory_limit = 64u << 20, .has_destination = true, .clock = {}});
    std::vector<std::thread> producers;
    for (int i = 0; i < threads; ++i) {
        producers.emplace_back([&queue] { push_all(queue); });
    }
    sum_taker taker;
    while (taken.load(std::memory_order_relaxed) < threads * each) {
        queue.drain(taker, queue.clock().now(), 256);
    }
    for (auto& one : producers) {
        one.join();
    }
    std::printf("%llu records\n", static_cast<unsigned long long>(taken.load()));
    return taker.sum == threads * (each * (each - 1) / 2) ? 0 : 3;
}
