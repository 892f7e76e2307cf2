#pragma once

// A batch as it goes over the wire: encoded once, sent again byte for byte.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace monarc {

struct payload {
    // Written one after the other in one gather write; `body` holds the entries.
    std::string head;
    std::string body;
    std::string tail;

    std::string id; // what an acknowledgement repeats; empty if none is asked for
    std::vector<std::uint32_t>
        entry_records; // D-3.7: pushes per entry; 0 belongs to the next that has a count
    std::uint64_t records = 0;
    std::uint64_t plain_bytes = 0; // of the entries, before compression
    bool is_gzip = false;
    bool has_class_messages = false;
    bool is_repeatable = true; // else an end that says nothing is the end of it (D-2.3)
    bool is_idempotent = true; // to apply it twice does no harm: it may go though it passed (D-7.3)

    std::size_t wire_bytes() const noexcept { return head.size() + body.size() + tail.size(); }

    // What it costs to keep.
    std::size_t memory_bytes() const noexcept {
        return sizeof *this + head.capacity() + body.capacity() + tail.capacity() + id.capacity() +
               entry_records.capacity() * sizeof(std::uint32_t);
    }
};

} // namespace monarc
