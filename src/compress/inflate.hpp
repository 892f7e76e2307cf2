#pragma once

// Unpacks gzip that came from somebody else, within limits.

#include "core/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace monarc::compress {

// D-13.2. The ratio is looked at only beyond the first `free_bytes`: small payloads of equal
// records legitimately reach any ratio.
struct inflate_limits {
    std::size_t max_bytes = std::size_t{64} << 20;
    std::size_t max_ratio = 200;
    std::size_t free_bytes = std::size_t{1} << 20;
};

// The content of all gzip members in `gz`, one after the other; no bytes are no members, hence
// nothing.
//
// Fails: errc::bad_data if `gz` is not gzip, is cut off, has a wrong checksum or anything but
// another
//        member behind a member; errc::too_large beyond the limits; std::errc::not_enough_memory.
// Cost:  never holds more than twice the limit, whatever `gz` says.
result<std::string> inflate(std::string_view gz, const inflate_limits& limits = {});

} // namespace monarc::compress
