#pragma once

// A record as it comes off the queue: bytes that somebody else owns.

#include <monarc/detail/slot.hpp>

#include <cstdint>
#include <string_view>

namespace monarc {

struct record_view {
    std::uint32_t shape;
    std::uint64_t stamp;            // ticks
    std::int64_t when;              // nanoseconds since 1970, or detail::no_time
    detail::context_entry* context; // null: the id is in `id`
    std::string_view body;
    std::string_view id;
};

} // namespace monarc
