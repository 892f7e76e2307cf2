#include "send/window.hpp"

#include <monarc/detail/slot.hpp>

namespace monarc::send {

// Of memory_limit the pool of the queue is gone, contexts take up to three tenths, a pass over the
// queue a tenth; a quarter of what the pool leaves is always there.
std::size_t window::bytes_for(const exporter_options& options) noexcept {
    return (options.memory_limit - options.queue.capacity * detail::slot_bytes) / 4;
}

void window::pushed(std::size_t bytes) noexcept {
    ++pushed_records_;
    pushed_bytes_ += bytes;
    since_look_ += bytes;
}

void window::look(std::uint64_t pending) {
    since_look_ = 0;
    marks_.push_back({pushed_records_, pushed_bytes_});
    const auto settled = pushed_records_ - pending;
    while (!marks_.empty() && marks_.front().records <= settled) {
        settled_bytes_ = marks_.front().bytes;
        marks_.pop_front();
    }
}

} // namespace monarc::send
