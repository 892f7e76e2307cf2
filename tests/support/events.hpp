#pragma once

// What a batch says to a forward receiver, read back from the bytes.

#include "core/batch.hpp"
#include "destinations/mona_forward_wire.hpp"
#include "support/msgpack_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace support {

struct event {
    std::string id;
    std::string fields; // as msgpack_text writes a map
    std::int64_t seconds = 0;
    std::int64_t pushed = 0;
};

// The events in the entries of a payload that is not compressed: [time, envelope] one after the
// other.
inline std::vector<event> events_in(std::string_view entries) {
    using monarc::encode::msgpack_reader;
    std::vector<event> events;
    msgpack_reader reader(entries);
    while (!reader.at_end()) {
        event one;
        std::uint32_t count = 0;
        std::string_view key;
        std::string_view id;
        std::string_view user;
        reader.read_array(count);
        reader.read_integer(one.pushed);
        reader.read_map(count);
        reader.read_text(key);
        reader.read_text(user);
        reader.read_text(key);
        reader.read_text(id);
        reader.read_text(key);
        one.fields = next_as_text(reader);
        reader.read_text(key);
        if (key != "export_timestamp" ||
            reader.read_integer(one.seconds) != monarc::encode::read_status::ok) {
            events.push_back({.id = "!", .fields = "broken bytes"});
            return events;
        }
        one.id = id;
        events.push_back(std::move(one));
    }
    return events;
}

inline monarc::mona_forward_options plain_packed() {
    return {.user_id = "user-1", .mode = monarc::forward_mode::packed, .gzip = false, .ack = false};
}

inline std::vector<event>
events_of(monarc::destinations::mona_forward_wire& wire, const monarc::batch& b) {
    return b.is_empty() ? std::vector<event>{} : events_in(wire.encode(b, {})->body);
}

} // namespace support
