#pragma once

// Bytes that grow at the end. Unlike std::string and std::vector, new room is not written before it
// is used.

#include "core/large_allocator.hpp"

#include <monarc/detail/slot.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace monarc {

class byte_buffer {
public:
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool is_empty() const noexcept { return size_ == 0; }
    const char* data() const noexcept { return bytes_.get(); }
    std::string_view view() const noexcept { return {bytes_.get(), size_}; }
    void clear() noexcept { size_ = 0; }

    // Room for `more` bytes at the end, which the caller fills; `commit` makes the first of them
    // count.
    char* room_for(std::size_t more) {
        if (capacity_ - size_ < more) [[unlikely]] {
            grow(more);
        }
        return bytes_.get() + size_;
    }
    void commit(std::size_t bytes) noexcept { size_ += bytes; }

    void append(std::string_view bytes) {
        char* const to = room_for(bytes.size());
        detail::copy_text(reinterpret_cast<unsigned char*>(to), bytes.data(), bytes.size());
        size_ += bytes.size();
    }

    void swap(byte_buffer& other) noexcept {
        bytes_.swap(other.bytes_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    [[gnu::noinline]] void grow(std::size_t more) {
        const auto wanted = std::max({size_ + more, capacity_ + capacity_ / 2, std::size_t{256}});
        decltype(bytes_) fresh(static_cast<char*>(allocate_large(wanted)));
        if (fresh == nullptr) {
            throw std::bad_alloc();
        }
        if (size_ != 0) {
            std::memcpy(fresh.get(), bytes_.get(), size_);
        }
        bytes_ = std::move(fresh);
        capacity_ = wanted;
    }

    struct release {
        void operator()(char* memory) const noexcept { std::free(memory); }
    };

    std::unique_ptr<char[], release> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace monarc
