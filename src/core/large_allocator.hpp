#pragma once

// Memory that is large and read all over: huge pages where the system has them, so that most reads
// miss a cache at most, and not the address translation too.

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace monarc {

// To be freed by std::free. What is less than a huge page is had from std::malloc; of what is more
// the rest behind the last whole one lies on usual pages. Returns: null if there is no memory.
inline void*
allocate_large(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    if (bytes < huge_page && alignment <= alignof(std::max_align_t)) {
        return std::malloc(bytes);
    }
    void* memory = nullptr;
    if (::posix_memalign(&memory, bytes < huge_page ? alignment : huge_page, bytes) != 0) {
        return nullptr;
    }
    if (bytes >= huge_page) {
        ::madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE); // refused: usual pages
    }
    return memory;
}

template <class T>
struct large_allocator {
    using value_type = T;

    large_allocator() = default;
    template <class Other>
    explicit(false) large_allocator(const large_allocator<Other>&) noexcept {}

    T* allocate(std::size_t count) {
        void* const memory =
            allocate_large(count * sizeof(T), std::max(alignof(T), std::size_t{64}));
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }

    friend bool operator==(const large_allocator&, const large_allocator&) noexcept { return true; }
};

} // namespace monarc
