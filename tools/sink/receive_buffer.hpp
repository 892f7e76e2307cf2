#pragma once

// The bytes of one connection that were read but do not make a whole message yet.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace monarc::sink {

// Grows by doubling as bytes arrive, whatever length a peer claims; starts small, because most of a
// thousand connections are idle.
class receive_buffer {
public:
    static constexpr std::size_t small_bytes = std::size_t{16} << 10;

    std::string_view held() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
    std::size_t capacity_bytes() const noexcept { return capacity_; }

    // What capacity_bytes() will be after room().
    std::size_t next_capacity_bytes() const noexcept {
        if (capacity_ == 0)
            return small_bytes;
        return held().size() > capacity_ / 2 ? 2 * capacity_ : capacity_;
    }

    // Space to read into, at least half of the capacity.
    std::span<char> room() {
        const auto wanted = next_capacity_bytes();
        if (wanted != capacity_) {
            auto larger = std::make_unique_for_overwrite<char[]>(wanted);
            move_to(larger.get());
            bytes_ = std::move(larger);
            capacity_ = wanted;
        } else if (end_ > capacity_ / 2) {
            move_to(bytes_.get());
        }
        return {bytes_.get() + end_, capacity_ - end_};
    }

    void filled(std::size_t count) noexcept {
        assert(count <= capacity_ - end_);
        end_ += count;
    }

    void consume(std::size_t count) noexcept {
        assert(count <= end_ - begin_);
        begin_ += count;
        if (begin_ == end_)
            begin_ = end_ = 0;
    }

    // Gives memory back if nothing is held.
    void shrink() noexcept {
        if (begin_ == end_) {
            bytes_.reset();
            capacity_ = begin_ = end_ = 0;
        }
    }

private:
    void move_to(char* target) noexcept {
        const auto size = end_ - begin_;
        if (size != 0)
            std::memmove(target, bytes_.get() + begin_, size);
        begin_ = 0;
        end_ = size;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

} // namespace monarc::sink
