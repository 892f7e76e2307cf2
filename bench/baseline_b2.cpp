// B2: the least that a push with a time can be. Built inside the queue by its token, one stamp.
#include "baseline.hpp"
#include "core/clock.hpp"

namespace monarc::bench {
namespace {

struct alignas(64) slot {
    std::uint64_t head, stamp;
    four_numbers values;
    const four_numbers* from;
    stamp_clock clock;
    unsigned char rest[128];

    slot(const four_numbers& v, stamp_clock c) noexcept : from(&v), clock(c) {}
    slot(slot&& s) noexcept : head(1), stamp(s.clock.now()), values(*s.from) {}
};
static_assert(sizeof(slot) == 192);

struct b2 final : baseline {
    moodycamel::ConcurrentQueue<slot, baseline_traits> queue{pool_slots};
    moodycamel::ProducerToken token{queue};
    const stamp_clock clock{counter_is_usable()};

    [[gnu::noinline, gnu::aligned(64)]] void push_round(const four_numbers& v) noexcept override {
        for (int i = 0; i < round_pushes; ++i) {
            queue.try_enqueue(token, slot(v, clock));
        }
    }
    [[gnu::noinline, gnu::aligned(64)]] void push_one(const four_numbers& v) noexcept override {
        queue.try_enqueue(token, slot(v, clock));
    }
    std::size_t drain() noexcept override { return drain_all(queue, token); }
};

} // namespace
std::unique_ptr<baseline> make_b2() {
    return std::make_unique<b2>();
}
} // namespace monarc::bench
