#include "encode/msgpack_reader.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

namespace monarc::encode {
namespace {

// The shape of what a first byte announces: an argument (a length, a count or the value itself) of
// `argument_bytes`, and `payload` bytes behind it, or `objects` further objects.
struct head {
    msgpack_kind kind = msgpack_kind::nil;
    std::uint8_t first = 0;
    std::uint64_t argument = 0;
    std::size_t head_bytes = 1; // with the argument and the type of an extension
    std::uint64_t payload_bytes = 0;
    std::uint64_t objects = 0;
};

std::uint64_t big_endian(const char* from, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | static_cast<std::uint8_t>(from[i]);
    return value;
}

// Bytes of the argument behind each first byte from c0 to df.
constexpr std::array<std::uint8_t, 32> argument_bytes{
    0, 0, 0, 0,    // nil, never used, false, true
    1, 2, 4,       // bin
    1, 2, 4,       // ext
    4, 8,          // float
    1, 2, 4, 8,    // uint
    1, 2, 4, 8,    // int
    0, 0, 0, 0, 0, // fixext
    1, 2, 4,       // str
    2, 4,          // array
    2, 4,          // map
};

void read_long_form(head& h) noexcept {
    using enum msgpack_kind;
    const auto first = h.first;
    if (first == 0xc0) {
        h.kind = nil;
    } else if (first <= 0xc3) {
        h.kind = boolean;
    } else if (first <= 0xc6) {
        h.kind = binary;
        h.payload_bytes = h.argument;
    } else if (first <= 0xc9) {
        h.kind = extension;
        h.head_bytes += 1;
        h.payload_bytes = h.argument;
    } else if (first <= 0xcb) {
        h.kind = float_number;
    } else if (first <= 0xcf) {
        h.kind = unsigned_integer;
    } else if (first <= 0xd3) {
        const int unused_bits = 64 - 8 * argument_bytes[first - 0xc0u];
        const auto value = static_cast<std::int64_t>(h.argument << unused_bits) >> unused_bits;
        h.argument = static_cast<std::uint64_t>(value);
        h.kind = value < 0 ? negative_integer : unsigned_integer;
    } else if (first <= 0xd8) {
        h.kind = extension;
        h.head_bytes += 1;
        h.payload_bytes = std::uint64_t{1} << (first - 0xd4);
    } else if (first <= 0xdb) {
        h.kind = text;
        h.payload_bytes = h.argument;
    } else if (first <= 0xdd) {
        h.kind = array;
        h.objects = h.argument;
    } else {
        h.kind = map;
        h.objects = 2 * h.argument;
    }
}

// Reads the head at `from`. more: the argument is not there yet; `h.head_bytes` then says how many
// bytes the head needs at least.
read_status read_head(std::string_view from, head& h) noexcept {
    using enum msgpack_kind;
    h = head{};
    if (from.empty())
        return read_status::more;
    const auto first = static_cast<std::uint8_t>(from[0]);
    h.first = first;
    if (first <= 0x7f || first >= 0xe0) {
        const auto value = static_cast<std::int64_t>(static_cast<std::int8_t>(first));
        h.kind = value < 0 ? negative_integer : unsigned_integer;
        h.argument = static_cast<std::uint64_t>(value);
        return read_status::ok;
    }
    if (first <= 0x8f) {
        h.kind = map;
        h.argument = first & 0x0fu;
        h.objects = 2 * h.argument;
        return read_status::ok;
    }
    if (first <= 0x9f) {
        h.kind = array;
        h.argument = h.objects = first & 0x0fu;
        return read_status::ok;
    }
    if (first <= 0xbf) {
        h.kind = text;
        h.argument = h.payload_bytes = first & 0x1fu;
        return read_status::ok;
    }
    if (first == 0xc1)
        return read_status::malformed;

    const std::size_t count = argument_bytes[first - 0xc0u];
    h.head_bytes = 1 + count;
    if (from.size() < h.head_bytes)
        return read_status::more;
    h.argument = big_endian(from.data() + 1, count);
    read_long_form(h);
    return from.size() < h.head_bytes ? read_status::more : read_status::ok;
}

msgpack_token to_token(const head& h, std::string_view from) noexcept {
    using enum msgpack_kind;
    msgpack_token token;
    token.kind = h.kind;
    token.bytes = from.substr(h.head_bytes, h.payload_bytes);
    switch (h.kind) {
    case boolean: token.boolean = h.first == 0xc3; break;
    case unsigned_integer: token.unsigned_value = h.argument; break;
    case negative_integer: token.negative_value = static_cast<std::int64_t>(h.argument); break;
    case float_number:
        token.number =
            h.first == 0xca
                ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(h.argument)))
                : std::bit_cast<double>(h.argument);
        break;
    case array:
    case map: token.count = static_cast<std::uint32_t>(h.argument); break;
    case extension: token.extension_type = static_cast<std::int8_t>(from[h.head_bytes - 1]); break;
    case nil:
    case text:
    case binary: break;
    }
    return token;
}

} // namespace

read_status msgpack_reader::peek(msgpack_kind& kind) const noexcept {
    head h;
    const auto status = read_head(rest(), h);
    if (status == read_status::ok)
        kind = h.kind;
    return status;
}

read_status msgpack_reader::next(msgpack_token& token) noexcept {
    const auto from = rest();
    head h;
    if (const auto status = read_head(from, h); status != read_status::ok)
        return status;
    if (h.payload_bytes > from.size() - h.head_bytes)
        return read_status::more;
    token = to_token(h, from);
    position_ += h.head_bytes + h.payload_bytes;
    return read_status::ok;
}

read_status msgpack_reader::skip(int max_depth) noexcept {
    // Most of what is skipped is a scalar, which needs no stack.
    const auto from = rest();
    head h;
    const bool is_known = read_head(from, h) == read_status::ok;
    const bool is_scalar = h.kind != msgpack_kind::array && h.kind != msgpack_kind::map;
    if (is_known && is_scalar && h.payload_bytes <= from.size() - h.head_bytes) {
        position_ += h.head_bytes + h.payload_bytes;
        return read_status::ok;
    }
    msgpack_framer framer(max_depth);
    const auto status = framer.scan(rest());
    if (status == read_status::ok)
        position_ += framer.size();
    return status;
}

read_status msgpack_reader::skip(std::string_view& raw, int max_depth) noexcept {
    const auto start = position_;
    const auto status = skip(max_depth);
    if (status == read_status::ok)
        raw = bytes_.substr(start, position_ - start);
    return status;
}

// Reads one token and hands it to `take_token`, which says whether it is of the kind asked for.
template <class Take>
read_status msgpack_reader::take(Take take_token) noexcept {
    const auto start = position_;
    msgpack_token token;
    const auto status = next(token);
    if (status != read_status::ok || take_token(std::as_const(token)))
        return status;
    position_ = start;
    return read_status::mismatch;
}

read_status msgpack_reader::read_nil() noexcept {
    return take([](const msgpack_token& t) { return t.kind == msgpack_kind::nil; });
}

read_status msgpack_reader::read_boolean(bool& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::boolean)
            return false;
        value = t.boolean;
        return true;
    });
}

read_status msgpack_reader::read_unsigned(std::uint64_t& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::unsigned_integer)
            return false;
        value = t.unsigned_value;
        return true;
    });
}

read_status msgpack_reader::read_integer(std::int64_t& value) noexcept {
    constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return take([&](const msgpack_token& t) {
        if (t.kind == msgpack_kind::negative_integer)
            value = t.negative_value;
        else if (t.kind == msgpack_kind::unsigned_integer && t.unsigned_value <= max)
            value = static_cast<std::int64_t>(t.unsigned_value);
        else
            return false;
        return true;
    });
}

read_status msgpack_reader::read_number(double& value) noexcept {
    return take([&](const msgpack_token& t) {
        switch (t.kind) {
        case msgpack_kind::float_number: value = t.number; return true;
        case msgpack_kind::unsigned_integer:
            value = static_cast<double>(t.unsigned_value);
            return true;
        case msgpack_kind::negative_integer:
            value = static_cast<double>(t.negative_value);
            return true;
        default: return false;
        }
    });
}

read_status msgpack_reader::read_text(std::string_view& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::text)
            return false;
        value = t.bytes;
        return true;
    });
}

read_status msgpack_reader::read_binary(std::string_view& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::binary)
            return false;
        value = t.bytes;
        return true;
    });
}

read_status msgpack_reader::read_bytes(std::string_view& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::text && t.kind != msgpack_kind::binary)
            return false;
        value = t.bytes;
        return true;
    });
}

read_status msgpack_reader::read_extension(std::int8_t& type, std::string_view& value) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::extension)
            return false;
        type = t.extension_type;
        value = t.bytes;
        return true;
    });
}

read_status msgpack_reader::read_array(std::uint32_t& count) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::array)
            return false;
        count = t.count;
        return true;
    });
}

read_status msgpack_reader::read_map(std::uint32_t& pairs) noexcept {
    return take([&](const msgpack_token& t) {
        if (t.kind != msgpack_kind::map)
            return false;
        pairs = t.count;
        return true;
    });
}

read_status msgpack_framer::scan(std::string_view buffer) noexcept {
    assert(max_depth_ >= 0 && max_depth_ < stack_size);
    while (outstanding_ != 0) {
        const bool past_payload = position_ > buffer.size();
        const auto from = past_payload ? std::string_view() : buffer.substr(position_);
        head h;
        const auto status = past_payload ? read_status::more : read_head(from, h);
        if (status == read_status::malformed)
            return status;
        if (status == read_status::more) {
            // Every object still to come has at least one byte.
            const auto here = past_payload ? outstanding_ : h.head_bytes + outstanding_ - 1;
            size_ = position_ + here;
            return status;
        }

        position_ += h.head_bytes + h.payload_bytes;
        --outstanding_;
        if (depth_ > 0)
            --open_[static_cast<std::size_t>(depth_ - 1)];
        // An empty array counts as a level too: the depth of a text is not to depend on what is
        // left out.
        if (h.kind == msgpack_kind::array || h.kind == msgpack_kind::map) {
            if (depth_ == max_depth_)
                return read_status::malformed;
            open_[static_cast<std::size_t>(depth_)] = h.objects;
            outstanding_ += h.objects;
            ++depth_;
        }
        while (depth_ > 0 && open_[static_cast<std::size_t>(depth_ - 1)] == 0)
            --depth_;
    }
    size_ = position_;
    return size_ <= buffer.size() ? read_status::ok : read_status::more;
}

void msgpack_framer::reset() noexcept {
    depth_ = 0;
    outstanding_ = 1;
    position_ = 0;
    size_ = 1;
}

} // namespace monarc::encode
