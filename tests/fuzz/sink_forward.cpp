// What anybody may send to `monarc sink` on its forward port: one whole object, gzip inside.

#include "encode/msgpack_reader.hpp"
#include "fuzz/fuzz_target.hpp"
#include "sink/forward_message.hpp"

namespace monarc::fuzz {

void read(std::string_view input) {
    sink::forward_message message;
    sink::limits bounds;
    bounds.inflate.max_bytes = std::size_t{1} << 20; // more inputs a second
    if (message.read(input, {}, bounds) != sink::forward_message::verdict::take) {
        return;
    }
    auto cursor = message.cursor();
    sink::event one;
    while (cursor.next(one) == sink::event_cursor::step::event) {
    }
}

} // namespace monarc::fuzz
