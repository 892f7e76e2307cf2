#include "sink/forward_message.hpp"

#include "sink/json_text.hpp"

#include <monarc/error.hpp>

#include <cmath>
#include <utility>

namespace monarc::sink {
namespace {

using encode::msgpack_kind;
using encode::msgpack_reader;
using encode::msgpack_token;
using encode::read_status;

constexpr std::string_view nil("\xc0", 1);

msgpack_kind kind_of(std::string_view object) noexcept {
    auto kind = msgpack_kind::nil;
    (void)msgpack_reader(object).peek(kind);
    return kind;
}

std::uint32_t big_endian_32(std::string_view bytes) noexcept {
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, 4))
        value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
}

// An EventTime: extension type 0 with seconds and nanoseconds.
bool read_event_time(const msgpack_token& token, event_time& time) noexcept {
    if (token.extension_type != 0 || token.bytes.size() != 8)
        return false;
    time.kind = event_time::form::nanoseconds;
    time.seconds = big_endian_32(token.bytes);
    time.nanoseconds = big_endian_32(token.bytes.substr(4));
    return time.nanoseconds < 1'000'000'000;
}

// Zero and nil become `now`, as Fluentd has it.
bool read_time(std::string_view raw, const event_time& now, event_time& time) noexcept {
    msgpack_token token;
    if (msgpack_reader(raw).next(token) != read_status::ok)
        return false;
    time = event_time{};
    bool good = true;
    switch (token.kind) {
    case msgpack_kind::nil: time = now; return true;
    case msgpack_kind::unsigned_integer:
        time.seconds = static_cast<std::int64_t>(token.unsigned_value);
        good = time.seconds >= 0;
        break;
    case msgpack_kind::negative_integer: time.seconds = token.negative_value; break;
    case msgpack_kind::float_number:
        time.kind = event_time::form::number;
        time.number = token.number;
        good = std::isfinite(token.number);
        if (good && std::abs(token.number) < 1)
            time = now;
        return good;
    case msgpack_kind::extension: good = read_event_time(token, time); break;
    default: return false;
    }
    if (good && time.seconds == 0)
        time = now;
    return good;
}

refusal to_refusal(std::error_code inflating) noexcept {
    if (inflating == errc::bad_data)
        return refusal::bad_gzip;
    return inflating == errc::too_large ? refusal::bomb : refusal::memory;
}

} // namespace

std::string_view name(refusal why) noexcept {
    switch (why) {
    case refusal::too_large: return "too_large";
    case refusal::bomb: return "bomb";
    case refusal::bad_gzip: return "bad_gzip";
    case refusal::malformed: return "malformed";
    case refusal::not_a_map: return "not_a_map";
    case refusal::bad_time: return "bad_time";
    case refusal::json: return "json";
    case refusal::idle: return "idle";
    case refusal::connections: return "connections";
    case refusal::memory: return "memory";
    case refusal::store: return "store";
    case refusal::tls: return "tls";
    case refusal::handshake: return "handshake";
    }
    return "unknown";
}

event_cursor::step event_cursor::refuse(refusal why) noexcept {
    why_ = why;
    return step::refused;
}

// The encodings of the next pair; `record` is nil where there is none.
event_cursor::step
event_cursor::next_entry(std::string_view& time, std::string_view& record) noexcept {
    time = record = nil;
    if (reader_.at_end())
        return step::end;
    if (mode_ == mode::message) {
        (void)reader_.skip(time, max_depth_);
        (void)reader_.skip(record, max_depth_);
        return step::event;
    }
    std::string_view entry;
    const auto status = reader_.skip(entry, max_depth_);
    if (status == read_status::more) {
        cut_off_ = true; // Fluentd keeps the entries before it and acknowledges
        return step::end;
    }
    msgpack_reader pair(entry);
    std::uint32_t count = 0;
    if (status != read_status::ok || pair.read_array(count) != read_status::ok)
        return refuse(refusal::malformed);
    if (count > 0)
        (void)pair.skip(time, max_depth_);
    if (count > 1)
        (void)pair.skip(record, max_depth_);
    return step::event;
}

event_cursor::step event_cursor::next(event& out) noexcept {
    while (true) {
        std::string_view time;
        if (const auto got = next_entry(time, out.record); got != step::event)
            return got;
        const auto kind = kind_of(out.record);
        if (kind == msgpack_kind::nil && mode_ != mode::packed)
            continue; // left out, without a complaint
        if (!read_time(time, now_, out.time))
            return refuse(refusal::bad_time);
        if (kind != msgpack_kind::map)
            return refuse(refusal::not_a_map);
        return step::event;
    }
}

forward_message::verdict forward_message::refused(refusal why) noexcept {
    why_ = why;
    return verdict::refuse;
}

void forward_message::clear() noexcept {
    tag_.clear();
    chunk_ = {};
    gzipped_ = false;
    inflated_ = std::string();
    cursor_ = event_cursor();
    events_ = 0;
    cut_off_ = false;
}

void forward_message::read_tag(std::string_view raw) {
    std::string_view text;
    msgpack_reader reader(raw);
    if (kind_of(raw) == msgpack_kind::nil) {
        tag_.clear();
    } else if (reader.read_bytes(text) == read_status::ok) {
        std::string scratch;
        tag_ = as_utf8(text, scratch);
    } else {
        tag_.clear();
        append_json(tag_, raw);
    }
}

bool forward_message::read_option(std::string_view option, int max_depth) {
    msgpack_reader reader(option);
    if (reader.read_nil() == read_status::ok)
        return true;
    std::uint32_t pairs = 0;
    if (reader.read_map(pairs) != read_status::ok)
        return false;
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view raw_key;
        std::string_view raw_value;
        (void)reader.skip(raw_key, max_depth);
        (void)reader.skip(raw_value, max_depth);
        std::string_view key;
        if (msgpack_reader(raw_key).read_bytes(key) != read_status::ok)
            continue;
        if (key == "chunk") {
            const bool asks = raw_value != nil && raw_value != std::string_view("\xc2", 1);
            chunk_ = asks ? raw_value : std::string_view();
        } else if (key == "compressed") {
            std::string_view how;
            gzipped_ =
                msgpack_reader(raw_value).read_bytes(how) == read_status::ok && how == "gzip";
        }
    }
    return true;
}

forward_message::verdict
forward_message::read_elements(const elements& parts, const event_time& now, const limits& bounds) {
    const auto kind = kind_of(parts[1]);
    const bool packed = kind == msgpack_kind::text || kind == msgpack_kind::binary;
    const bool forward = kind == msgpack_kind::array;
    const bool single = !packed && !forward;
    if (single && kind_of(parts[2]) == msgpack_kind::nil)
        return verdict::skip;

    read_tag(parts[0]);
    if (!read_option(parts[single ? 3 : 2], bounds.max_depth))
        return refused(refusal::malformed);

    std::string_view entries;
    auto mode = event_cursor::mode::message;
    if (single) {
        // Time and record stand side by side in the message: one view over both.
        const auto end = parts[2].data() + parts[2].size();
        entries = {parts[1].data(), static_cast<std::size_t>(end - parts[1].data())};
    } else if (forward) {
        mode = event_cursor::mode::forward;
        msgpack_reader reader(parts[1]);
        std::uint32_t count = 0;
        (void)reader.read_array(count);
        entries = reader.rest();
    } else {
        mode = event_cursor::mode::packed;
        (void)msgpack_reader(parts[1]).read_bytes(entries);
    }
    if (packed && gzipped_) {
        auto inflated = compress::inflate(entries, bounds.inflate);
        if (!inflated)
            return refused(to_refusal(inflated.error()));
        inflated_ = std::move(*inflated);
        entries = inflated_;
    }
    cursor_ = event_cursor(mode, entries, now, bounds.max_depth);
    return verdict::take;
}

forward_message::verdict
forward_message::read(std::string_view raw, const event_time& now, const limits& bounds) {
    clear();
    msgpack_reader reader(raw);
    std::uint32_t count = 0;
    if (reader.read_array(count) != read_status::ok)
        return verdict::skip;
    elements parts{nil, nil, nil, nil};
    for (std::size_t i = 0; i < parts.size() && i < count; ++i)
        (void)reader.skip(parts[i], bounds.max_depth);

    const auto first = read_elements(parts, now, bounds);
    if (first != verdict::take)
        return first;
    // One bad event costs the whole message: look at all before any is kept.
    auto all = cursor_;
    event ignored;
    while (true) {
        switch (all.next(ignored)) {
        case event_cursor::step::event: ++events_; continue;
        case event_cursor::step::refused: return refused(all.why());
        case event_cursor::step::end: cut_off_ = all.cut_off(); return verdict::take;
        }
    }
}

} // namespace monarc::sink
