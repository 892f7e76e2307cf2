#pragma once

// What stands around the events of a Fluentd forward message (forward.md sections 2 to 4).

#include "core/byte_buffer.hpp"
#include "encode/msgpack_writer.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace monarc::encode {

enum class forward_layout { forward, packed };

// Receivers know chunk, size and compressed; the order is the writer's.
struct forward_option {
    std::string_view name;
    std::variant<std::uint64_t, std::string_view> value;
};

inline void put_options(msgpack_writer& to, std::span<const forward_option> options) {
    to.map(options.size());
    for (const auto& one : options) {
        to.text(one.name);
        if (const auto* const number = std::get_if<std::uint64_t>(&one.value)) {
            to.natural(*number);
        } else {
            to.text(std::get<std::string_view>(one.value));
        }
    }
}

// In front of the events: `size` is their number, or the bytes of the packed ones.
inline void put_message_head(
    msgpack_writer& to,
    forward_layout layout,
    std::string_view tag,
    std::size_t size,
    bool has_options) {
    to.array(has_options ? 3 : 2);
    to.text(tag);
    layout == forward_layout::packed ? to.binary_head(size) : to.array(size);
}

// In front of the time of an event that is a message of its own; then come time, record and
// options.
inline void put_event_head(msgpack_writer& to, std::string_view tag, bool has_options) {
    to.array(has_options ? 4 : 3);
    to.text(tag);
}

} // namespace monarc::encode
