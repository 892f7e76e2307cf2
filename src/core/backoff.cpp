#include "core/backoff.hpp"

#include <algorithm>
#include <cassert>

namespace monarc {

using namespace std::chrono_literals;

retry_options waits_of(failure kind, const retry_options& network) noexcept {
    auto waits = network;
    switch (kind) {
    case failure::network: break;
    case failure::throttle:
        waits.min_wait = 1s;
        waits.max_wait = 60s;
        break;
    case failure::config:
        waits.min_wait = 1s;
        waits.max_wait = 300s;
        break;
    case failure::auth:
        waits.min_wait = 30s;
        waits.max_wait = 10min;
        break;
    }
    return waits;
}

std::chrono::milliseconds
wait_before_retry(const retry_options& retry, int level, double uniform) noexcept {
    assert(level >= 1);
    assert(uniform >= 0.0 && uniform < 1.0);

    auto bound = retry.min_wait;
    for (int i = 1; i < level && bound < retry.max_wait; ++i) {
        bound *= 2;
    }
    bound = std::min(bound, retry.max_wait);
    const auto floor = retry.min_wait / 2;
    return floor + std::chrono::ceil<std::chrono::milliseconds>((bound - floor) * uniform);
}

int top_level(const retry_options& retry) noexcept {
    int level = 1;
    for (auto bound = retry.min_wait; bound < retry.max_wait; bound *= 2) {
        ++level;
    }
    return level;
}

} // namespace monarc
