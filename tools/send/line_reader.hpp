#pragma once

// Cuts an input into lines. Memory is bounded: of a line that is longer than the buffer it hands
// out parts.

#include "core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace monarc::send {

// Reads at most `bytes`; 0 at the end of the input.
using read_function = std::function<result<std::size_t>(char* to, std::size_t bytes)>;

class line_reader {
public:
    static constexpr std::size_t usual_buffer_bytes = std::size_t{512} * 1024;

    explicit line_reader(read_function read, std::size_t buffer_bytes = usual_buffer_bytes);

    struct part {
        std::string_view
            text; // without the line feed; a parser may read json_padding_bytes behind it
        std::uint64_t line = 1;
        bool is_begin = true;
        bool is_end = true;
        bool has_line_feed = true; // if it is the end
    };

    // The next one, which holds until the call after; nothing at the end of the input.
    result<std::optional<part>> next();

private:
    part take(std::size_t bytes, bool is_end, bool has_line_feed) noexcept;

    read_function read_;
    std::size_t buffer_bytes_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;    // of what was not handed out
    std::size_t searched_ = 0; // no line feed from begin_ up to here
    std::size_t end_ = 0;
    std::uint64_t line_ = 1;
    bool is_in_line_ = false; // parts of this line were handed out
    bool is_over_ = false;
};

} // namespace monarc::send
