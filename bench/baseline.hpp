#pragma once

// What the exporter's push is compared with: the same queue, with the same traits, without an
// exporter around it.

#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace monarc::bench {

inline constexpr int round_pushes = 512;
inline constexpr std::size_t pool_slots = 65'536;

// What every variant pushes.
struct four_numbers {
    double price;
    std::int64_t size;
    double score;
    std::uint64_t account;
};

struct baseline {
    virtual ~baseline() = default;
    virtual void push_round(const four_numbers& from) noexcept = 0; // round_pushes of them
    virtual void push_one(const four_numbers& from) noexcept = 0;
    virtual std::size_t drain() noexcept = 0; // everything; returns how many
};

std::unique_ptr<baseline> make_raw();
std::unique_ptr<baseline> make_b2();

struct baseline_traits : moodycamel::ConcurrentQueueDefaultTraits {
    static const size_t BLOCK_SIZE = 256;
    static const size_t EXPLICIT_BLOCK_EMPTY_COUNTER_THRESHOLD = 32;
    static const size_t EXPLICIT_INITIAL_INDEX_SIZE = 256;
    static const size_t INITIAL_IMPLICIT_PRODUCER_HASH_SIZE = 0;
};

// Takes slots where they lie.
struct ignore_slots {
    std::uint64_t* sum;

    ignore_slots& operator*() noexcept { return *this; }
    ignore_slots& operator++() noexcept { return *this; }
    ignore_slots operator++(int) noexcept { return *this; }
    template <class Slot>
    ignore_slots& operator=(Slot&& taken) noexcept {
        *sum += taken.head;
        return *this;
    }
};

template <class Queue>
std::size_t drain_all(Queue& queue, const moodycamel::ProducerToken& token) noexcept {
    std::uint64_t sum = 0;
    std::size_t taken = 0;
    while (const auto got = queue.try_dequeue_bulk_from_producer(token, ignore_slots{&sum}, 256)) {
        taken += got;
    }
    asm volatile("" : : "r"(sum));
    return taken;
}

} // namespace monarc::bench
