#include "send/line_reader.hpp"

#include "core/json_block.hpp"

#include <cstring>
#include <utility>

namespace monarc::send {

line_reader::line_reader(read_function read, std::size_t buffer_bytes)
    : read_(std::move(read)), buffer_bytes_(buffer_bytes),
      buffer_(buffer_bytes + json_padding_bytes) {}

line_reader::part line_reader::take(std::size_t bytes, bool is_end, bool has_line_feed) noexcept {
    const part taken{
        .text = {buffer_.data() + begin_, bytes},
        .line = line_,
        .is_begin = !is_in_line_,
        .is_end = is_end,
        .has_line_feed = has_line_feed};
    begin_ += bytes + (has_line_feed ? 1 : 0);
    searched_ = begin_;
    is_in_line_ = !is_end;
    line_ += is_end ? 1 : 0;
    return taken;
}

result<std::optional<line_reader::part>> line_reader::next() {
    while (true) {
        const char* const from = buffer_.data() + searched_;
        if (const auto* const feed =
                static_cast<const char*>(std::memchr(from, '\n', end_ - searched_))) {
            const auto bytes = static_cast<std::size_t>(feed - buffer_.data()) - begin_;
            return std::optional(take(bytes, true, true));
        }
        searched_ = end_;
        if (is_over_) {
            if (begin_ == end_ && !is_in_line_) {
                return std::optional<part>();
            }
            return std::optional(take(end_ - begin_, true, false));
        }
        if (end_ - begin_ == buffer_bytes_) {
            return std::optional(take(buffer_bytes_, false, false));
        }
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        searched_ -= begin_;
        begin_ = 0;
        const auto count = read_(buffer_.data() + end_, buffer_bytes_ - end_);
        if (!count) {
            return count.error();
        }
        end_ += *count;
        is_over_ = *count == 0;
    }
}

} // namespace monarc::send
