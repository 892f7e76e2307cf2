#pragma once

// Reads one message of the Fluentd forward protocol the way Fluentd 1.16 does
// (contracts/forward.md, sections 3, 4 and 9). Pure: bytes and the time go in, events come out.

#include "encode/msgpack_reader.hpp"
#include "sink/options.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::sink {

// Why a connection was closed, or not taken.
enum class refusal : std::uint8_t {
    too_large,   ///< A message on the wire.
    bomb,        ///< Entries that inflate beyond the limits.
    bad_gzip,    ///< Damaged, cut off, junk behind it, or not gzip.
    malformed,   ///< Byte c1, nested too deeply, an entry or option of the wrong shape.
    not_a_map,   ///< A record.
    bad_time,    ///< No integer, float, EventTime or nil.
    json,        ///< A JSON connection.
    idle,        ///< No byte for idle_timeout.
    connections, ///< One more than max_connections.
    memory,      ///< More than max_buffered_bytes are arriving.
    store,       ///< The store could not be written: not acknowledged.
    tls,         ///< A handshake of TLS failed.
    handshake,   ///< No PING, or of somebody who does not know the shared key.
};
inline constexpr std::size_t refusal_count = 13;

std::string_view name(refusal why) noexcept;

struct event_time {
    enum class form : std::uint8_t { seconds, nanoseconds, number };

    form kind = form::seconds;
    std::uint32_t nanoseconds = 0;
    std::int64_t seconds = 0;
    double number = 0;
};

struct event {
    event_time time;
    std::string_view record; ///< A MessagePack map.
};

// The events of one message, in order, read from its bytes as they are asked for: 64 MiB may hold
// 20 million of them.
class event_cursor {
public:
    event_cursor() = default;

    // Message mode: `entries` is the time and the record, one after the other.
    // Forward mode: the elements of its array. Packed: what it is by nature.
    enum class mode : std::uint8_t { message, forward, packed };
    event_cursor(mode m, std::string_view entries, const event_time& now, int max_depth) noexcept
        : reader_(entries), now_(now), mode_(m), max_depth_(max_depth) {}

    enum class step : std::uint8_t { event, end, refused };
    step next(event& out) noexcept;

    refusal why() const noexcept { return why_; }
    bool cut_off() const noexcept { return cut_off_; } ///< The last packed entry was incomplete.

private:
    step refuse(refusal why) noexcept;
    step next_entry(std::string_view& time, std::string_view& record) noexcept;

    encode::msgpack_reader reader_;
    event_time now_;
    mode mode_ = mode::packed;
    refusal why_ = refusal::malformed;
    bool cut_off_ = false;
    int max_depth_ = encode::max_msgpack_depth;
};

class forward_message {
public:
    enum class verdict : std::uint8_t {
        take,   ///< Events (or none) to keep, and an answer if one was asked for.
        skip,   ///< Nothing to keep, no answer, no harm: as Fluentd does with what is no message.
        refuse, ///< Nothing to keep; why() says why. Close.
    };

    // `raw` is one whole object and has to stay where it is; `now` takes the place of a time that
    // is zero or nil. After take every event has been looked at once and is good.
    verdict read(std::string_view raw, const event_time& now, const limits& bounds);

    refusal why() const noexcept { return why_; }
    std::uint64_t bad_event() const noexcept { return events_; } ///< After refuse: its index.

    std::string_view tag() const noexcept { return tag_; } ///< UTF-8, whatever type it had.
    std::string_view chunk() const noexcept {
        return chunk_;
    } ///< Its encoding; empty: no answer asked for.
    std::uint64_t events() const noexcept { return events_; }
    bool cut_off() const noexcept { return cut_off_; }
    std::size_t inflated_bytes() const noexcept { return inflated_.size(); }

    event_cursor cursor() const noexcept { return cursor_; }

    // Frees what inflating needed.
    void clear() noexcept;

private:
    using elements = std::array<std::string_view, 4>;

    verdict read_elements(const elements& parts, const event_time& now, const limits& bounds);
    bool read_option(std::string_view option, int max_depth);
    void read_tag(std::string_view raw);
    verdict refused(refusal why) noexcept;

    std::string tag_;
    std::string_view chunk_;
    bool gzipped_ = false;
    std::string inflated_;
    event_cursor cursor_;
    std::uint64_t events_ = 0;
    bool cut_off_ = false;
    refusal why_ = refusal::malformed;
};

} // namespace monarc::sink
