#pragma once

// The head of a request: from its first byte to the empty line. Pure.

#include "sink/http_message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::sink {

struct http_head {
    http_request request{}; ///< Without a body.
    std::uint64_t content_length = 0;
    bool keeps_alive = false; ///< What the peer asks for.
    bool expects_continue = false;
};

// Where the head ends, empty line included; npos if it is not whole. `searched` bytes were looked
// at before.
std::size_t end_of_head(std::string_view held, std::size_t searched) noexcept;

// Reads a whole head.
// Returns: why not, in words; empty if it is good. D-13.1: a length with a transfer coding, two
//          lengths and an obsolete fold are not.
std::string read_head(std::string_view bytes, http_head& into);

} // namespace monarc::sink
