#pragma once

// Memory for tables that grow large and are read at random: huge pages where the system has them,
// so that most reads miss a cache at most, and not the address translation too.

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace monarc {

template <class T>
struct large_allocator {
    using value_type = T;

    large_allocator() = default;
    template <class Other>
    explicit(false) large_allocator(const large_allocator<Other>&) noexcept {}

    T* allocate(std::size_t count) {
        constexpr std::size_t huge_page = std::size_t{2} << 20;
        const auto bytes = count * sizeof(T);
        const bool is_large = bytes >= 2 * huge_page;
        const auto alignment = is_large          ? huge_page
                               : alignof(T) < 64 ? std::size_t{64}
                                                 : alignof(T);
        const auto rounded = (bytes + alignment - 1) / alignment * alignment;
        void* const memory = std::aligned_alloc(alignment, rounded);
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        if (is_large) {
            ::madvise(memory, rounded, MADV_HUGEPAGE); // refused: usual pages
        }
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }

    friend bool operator==(const large_allocator&, const large_allocator&) noexcept { return true; }
};

} // namespace monarc
