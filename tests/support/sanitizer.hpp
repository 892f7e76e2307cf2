#pragma once

// How a test fits its size to the sanitizer that it runs under.

#include <chrono>
#include <cstdio>

namespace support {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool is_thread_sanitized = true;
#else
inline constexpr bool is_thread_sanitized = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_address_sanitized = true;
#else
inline constexpr bool is_address_sanitized = false;
#endif
inline constexpr bool is_sanitized = is_thread_sanitized || is_address_sanitized;

template <class T>
constexpr T scaled(T plain, T under_address, T under_thread) {
    return is_thread_sanitized ? under_thread : is_address_sanitized ? under_address : plain;
}

// Section 14 of delivery.md: the bounds of D-9.3 hold in the plain build, tenfold under sanitizers.
constexpr std::chrono::milliseconds close_bound(std::chrono::milliseconds close_timeout) {
    return (close_timeout + std::chrono::milliseconds(250)) * (is_sanitized ? 10 : 1);
}

// For doctest::skip: says by name what is skipped and why.
inline bool skips(bool is_skipped, const char* name, const char* reason) {
    if (is_skipped) {
        std::printf("SKIP %s: %s\n", name, reason);
    }
    return is_skipped;
}

} // namespace support
