#include "peer_spdlog.hpp"

#ifdef MONARC_BENCH_WITH_SPDLOG

#include <spdlog/async.h>
#include <spdlog/sinks/null_sink.h>

#include <chrono>
#include <thread>

namespace monarc::bench {
namespace {

// Its own thread empties its queue; `drain` waits for that.
struct peer_spdlog final : baseline {
    std::shared_ptr<spdlog::details::thread_pool> pool =
        std::make_shared<spdlog::details::thread_pool>(8192, 1);
    std::shared_ptr<spdlog::async_logger> log = std::make_shared<spdlog::async_logger>(
        "peer",
        std::make_shared<spdlog::sinks::null_sink_mt>(),
        pool,
        spdlog::async_overflow_policy::block);

    [[gnu::noinline, gnu::aligned(64)]] void push_round(const four_numbers& v) noexcept override {
        for (int i = 0; i < round_pushes; ++i) {
            log->info("price={} size={} score={} account={}", v.price, v.size, v.score, v.account);
        }
    }
    [[gnu::noinline, gnu::aligned(64)]] void push_one(const four_numbers& v) noexcept override {
        log->info("price={} size={} score={} account={}", v.price, v.size, v.score, v.account);
    }
    std::size_t drain() noexcept override {
        const auto begun = pool->queue_size();
        while (pool->queue_size() != 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(20));
        }
        return begun;
    }
};

} // namespace

std::unique_ptr<baseline> make_spdlog() {
    return std::make_unique<peer_spdlog>();
}

} // namespace monarc::bench

#else

namespace monarc::bench {

std::unique_ptr<baseline> make_spdlog() {
    return nullptr;
}

} // namespace monarc::bench

#endif
