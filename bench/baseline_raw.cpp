// raw: what the queue alone costs. A slot of 192 bytes that stands ready is copied in by its token.

#include "baseline.hpp"

namespace monarc::bench {
namespace {

struct alignas(64) slot {
    std::uint64_t head;
    unsigned char rest[184];
};

struct raw final : baseline {
    moodycamel::ConcurrentQueue<slot, baseline_traits> queue{pool_slots};
    moodycamel::ProducerToken token{queue};
    slot ready{};

    [[gnu::noinline, gnu::aligned(64)]] void push_round(const four_numbers&) noexcept override {
        for (int i = 0; i < round_pushes; ++i) {
            queue.try_enqueue(token, ready);
        }
    }
    [[gnu::noinline, gnu::aligned(64)]] void push_one(const four_numbers&) noexcept override {
        queue.try_enqueue(token, ready);
    }
    std::size_t drain() noexcept override { return drain_all(queue, token); }
};

} // namespace

std::unique_ptr<baseline> make_raw() {
    return std::make_unique<raw>();
}

} // namespace monarc::bench
