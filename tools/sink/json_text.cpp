#include "sink/json_text.hpp"

#include "encode/msgpack_reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace monarc::sink {
namespace {

using encode::msgpack_kind;
using encode::msgpack_reader;
using encode::msgpack_token;
using encode::read_status;

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

bool is_continuation(char byte) noexcept {
    return (static_cast<std::uint8_t>(byte) & 0xc0u) == 0x80;
}

// How many bytes the well-formed UTF-8 character at the front has; 0 if it is not one.
std::size_t character_bytes(std::string_view text) noexcept {
    const auto first = static_cast<std::uint8_t>(text[0]);
    if (first < 0x80)
        return 1;
    const std::size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < count)
        return 0;
    for (std::size_t i = 1; i < count; ++i)
        if (!is_continuation(text[i]))
            return 0;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    const auto second = static_cast<std::uint8_t>(text[1]);
    const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return wrong ? 0 : count;
}

std::string repaired(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto count = character_bytes(text);
        out += count == 0 ? replacement : text.substr(0, count);
        text.remove_prefix(count == 0 ? 1 : count);
    }
    return out;
}

void append_escaped(std::string& out, char byte) {
    switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint8_t>(byte));
    }
}

void append_number(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
        return;
    }
    const auto start = out.size();
    fmt::format_to(std::back_inserter(out), "{}", number);
    // 1.0 is to stay a float for whoever reads it again.
    if (out.find_first_of(".e", start) == std::string::npos)
        out += ".0";
}

void append_next(std::string& out, msgpack_reader& reader);

void append_key(std::string& out, msgpack_reader& reader) {
    std::string_view text;
    if (reader.read_bytes(text) == read_status::ok) {
        append_json_string(out, text);
        return;
    }
    std::string key;
    append_next(key, reader);
    append_json_string(out, key);
}

void append_next(std::string& out, msgpack_reader& reader) {
    msgpack_token token;
    [[maybe_unused]] const auto status = reader.next(token);
    assert(status == read_status::ok);
    const auto to_out = std::back_inserter(out);
    switch (token.kind) {
    case msgpack_kind::nil: out += "null"; return;
    case msgpack_kind::boolean: out += token.boolean ? "true" : "false"; return;
    case msgpack_kind::unsigned_integer: fmt::format_to(to_out, "{}", token.unsigned_value); return;
    case msgpack_kind::negative_integer: fmt::format_to(to_out, "{}", token.negative_value); return;
    case msgpack_kind::float_number: append_number(out, token.number); return;
    case msgpack_kind::text:
    case msgpack_kind::binary: append_json_string(out, token.bytes); return;
    case msgpack_kind::extension:
        fmt::format_to(to_out, "{{\"$ext\":{},\"$bytes\":\"", int{token.extension_type});
        append_hex(out, token.bytes);
        out += "\"}";
        return;
    case msgpack_kind::array:
        out += '[';
        for (std::uint32_t i = 0; i < token.count; ++i) {
            if (i != 0)
                out += ',';
            append_next(out, reader);
        }
        out += ']';
        return;
    case msgpack_kind::map:
        out += '{';
        for (std::uint32_t i = 0; i < token.count; ++i) {
            if (i != 0)
                out += ',';
            append_key(out, reader);
            out += ':';
            append_next(out, reader);
        }
        out += '}';
        return;
    }
}

} // namespace

std::string_view as_utf8(std::string_view text, std::string& scratch) {
    if (simdjson::validate_utf8(text.data(), text.size()))
        return text;
    scratch = repaired(text);
    return scratch;
}

void append_json_string(std::string& out, std::string_view text) {
    std::string scratch;
    text = as_utf8(text, scratch);
    out += '"';
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && static_cast<std::uint8_t>(text[plain]) >= 0x20 &&
               text[plain] != '"' && text[plain] != '\\')
            ++plain;
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty())
            break;
        append_escaped(out, text.front());
        text.remove_prefix(1);
    }
    out += '"';
}

void append_json(std::string& out, std::string_view object) {
    msgpack_reader reader(object);
    append_next(out, reader);
}

void append_hex(std::string& out, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char byte : bytes) {
        const auto value = static_cast<std::uint8_t>(byte);
        out += digits[value >> 4];
        out += digits[value & 0x0f];
    }
}

} // namespace monarc::sink
