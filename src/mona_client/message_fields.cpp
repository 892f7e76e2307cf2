#include "mona_client/message_fields.hpp"

#include "core/byte_buffer.hpp"
#include "core/fields.hpp"
#include "core/json_block.hpp"
#include "core/utf8.hpp"
#include "encode/json_reader.hpp"
#include "encode/json_writer.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"

#include <monarc/mona_client.hpp>

#include <fmt/format.h>

#include <iterator>

namespace monarc::mona_client {
namespace {

// As Python's json and the original's packer have it: not finite is a number, and what stands
// around a message leaves 509 of the packer's 511 levels.
constexpr encode::json_dialect dialect{.takes_not_finite = true, .max_levels = 509};

} // namespace

message_fields read_message(std::string_view json) {
    message_fields read;
    encode::json_reader reader(dialect);
    std::string padded;
    padded.reserve(json.size() + json_padding_bytes);
    padded = json;
    padded.resize(json.size() + json_padding_bytes);
    if (!reader.read_record({padded.data(), json.size()}, read.body, read.facts)) {
        const bool is_other_json = reader.was_json() && !reader.was_object();
        read.wrong =
            is_other_json ? message_fields::fault::not_object : message_fields::fault::not_json;
        read.why = reader.why();
    }
    return read;
}

std::optional<std::string> read_value(std::string_view json) {
    encode::json_reader reader(dialect);
    byte_buffer packed;
    bool is_repaired = false;
    if (!reader.read_value(json, 1, packed, is_repaired)) {
        return std::nullopt;
    }
    return std::string(packed.view());
}

std::string packed_text(std::string_view text) {
    std::string valid;
    append_utf8(text, valid);
    byte_buffer packed;
    encode::msgpack_writer(packed).text(valid);
    return std::string(packed.view());
}

bool is_truthy(std::string_view packed) noexcept {
    encode::msgpack_reader reader(packed);
    encode::msgpack_token token;
    if (reader.next(token) != encode::read_status::ok) {
        return false;
    }
    switch (token.kind) {
    case encode::msgpack_kind::nil: return false;
    case encode::msgpack_kind::boolean: return token.boolean;
    case encode::msgpack_kind::unsigned_integer: return token.unsigned_value != 0;
    case encode::msgpack_kind::negative_integer: return true;
    case encode::msgpack_kind::float_number: return token.number != 0;
    case encode::msgpack_kind::array:
    case encode::msgpack_kind::map: return token.count != 0;
    default: return !token.bytes.empty();
    }
}

bool is_object(std::string_view packed) noexcept {
    encode::msgpack_kind kind{};
    return encode::msgpack_reader(packed).peek(kind) == encode::read_status::ok &&
           kind == encode::msgpack_kind::map;
}

void add_field(message_fields& to, std::string_view key, std::string_view packed) {
    ++to.facts.fields;
    append_self_described(
        to.body,
        intern_key(key),
        monarc::detail::value_type::packed,
        packed.data(),
        packed.size(),
        key);
}

} // namespace monarc::mona_client

namespace monarc::mona {

// A record that is too large, or has a name without a number, is no message.
message::message(const record& fields) {
    if (fields.too_large_ || fields.nameless_) {
        return;
    }
    text_ += '{';
    visit_self_described({fields.body_.data(), fields.body_.size()}, [&](const field_view& field) {
        text_ += text_.size() == 1 ? "" : ",";
        detail::put_text(text_, name_of(field.key).text);
        text_ += ':';
        switch (field.type) {
        case monarc::detail::value_type::boolean:
            detail::put_boolean(text_, field.word != 0);
            break;
        case monarc::detail::value_type::integer:
            detail::put_integer(text_, static_cast<std::int64_t>(field.word));
            break;
        case monarc::detail::value_type::natural: detail::put_natural(text_, field.word); break;
        case monarc::detail::value_type::real: detail::put_real(text_, field.real()); break;
        case monarc::detail::value_type::text: detail::put_text(text_, field.text); break;
        default: detail::put_null(text_);
        }
    });
    text_ += '}';
}

namespace detail {

void put_null(std::string& to) {
    to += "null";
}
void put_boolean(std::string& to, bool value) {
    to += value ? "true" : "false";
}
void put_integer(std::string& to, std::int64_t value) {
    fmt::format_to(std::back_inserter(to), "{}", value);
}
void put_natural(std::string& to, std::uint64_t value) {
    fmt::format_to(std::back_inserter(to), "{}", value);
}
void put_real(std::string& to, double value) {
    encode::put_json_real(to, value);
}
void put_text(std::string& to, std::string_view value) {
    std::string valid;
    append_utf8(value, valid);
    encode::put_json_text(to, valid);
}

namespace {
template <class Number, class Put>
void put_all(std::string& to, std::string_view bytes, Put put) {
    to += '[';
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Number)) {
        to += at == 0 ? "" : ",";
        put(to, load_unaligned<Number>(bytes.data() + at));
    }
    to += ']';
}
} // namespace

void put_numbers(std::string& to, monarc::detail::value_type type, std::string_view bytes) {
    if (type == monarc::detail::value_type::reals) {
        put_all<double>(to, bytes, put_real);
    } else if (type == monarc::detail::value_type::floats) {
        put_all<float>(to, bytes, put_real);
    } else {
        put_all<std::int64_t>(to, bytes, put_integer);
    }
}

} // namespace detail

} // namespace monarc::mona
