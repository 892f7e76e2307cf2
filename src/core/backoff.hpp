#pragma once

#include "core/outcome.hpp"

#include <monarc/options.hpp>

#include <chrono>

namespace monarc {

// First and longest wait of a kind of failure (D-6.2); `network` says what the destination's own
// are.
retry_options waits_of(failure kind, const retry_options& network) noexcept;

// D-6.2: between half the shortest wait and a bound that doubles with each failure of the
// destination. `uniform` in [0, 1) is the caller's random number, so that a test can name the exact
// wait.
std::chrono::milliseconds
wait_before_retry(const retry_options& retry, int level, double uniform) noexcept;

// The first level at which the bound is the longest wait; failures beyond it change nothing.
int top_level(const retry_options& retry) noexcept;

} // namespace monarc
