#pragma once

namespace monarc {

// Brings the cache line at `at` near without waiting for it; `at` may be anywhere. The empty
// statement keeps g++ from dropping calls of functions that do nothing else.
[[gnu::always_inline]] inline void fetch(const void* at) noexcept {
    __builtin_prefetch(at);
    asm volatile("");
}

} // namespace monarc
