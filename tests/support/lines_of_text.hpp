#pragma once

// A text as an input that comes in pieces.

#include "send/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace monarc::send {

// At most `piece` bytes a read.
inline read_function reads_of(std::string text, std::size_t piece) {
    return [text = std::move(text), piece, at = std::size_t{0}](
               char* to, std::size_t bytes) mutable -> result<std::size_t> {
        const auto count = std::min({bytes, piece, text.size() - at});
        std::memcpy(to, text.data() + at, count);
        at += count;
        return count;
    };
}

} // namespace monarc::send
