#include "encode/json_writer.hpp"

#include "encode/msgpack_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>

namespace monarc::encode {

void put_json_text(std::string& out, std::string_view text) {
    out += '"';
    std::size_t plain = 0; // begin of what needs no escape
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        out.append(text, plain, i - plain);
        plain = i + 1;
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
        }
    }
    out.append(text, plain);
    out += '"';
}

void put_json_number(std::string& out, double value) {
    fmt::format_to(std::back_inserter(out), "{}", value);
}

void put_json_real(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value < 0 ? "-Infinity" : "Infinity";
    } else {
        const auto begin = out.size();
        put_json_number(out, value);
        if (out.find_first_of(".e", begin) == out.npos) {
            out += ".0";
        }
    }
}

namespace {

bool put_next(std::string& out, msgpack_reader& from) {
    msgpack_token token;
    if (from.next(token) != read_status::ok) {
        return false;
    }
    const bool is_map = token.kind == msgpack_kind::map;
    switch (token.kind) {
    case msgpack_kind::nil: out += "null"; return true;
    case msgpack_kind::boolean: out += token.boolean ? "true" : "false"; return true;
    case msgpack_kind::unsigned_integer:
        out += fmt::format("{}", token.unsigned_value);
        return true;
    case msgpack_kind::negative_integer:
        out += fmt::format("{}", token.negative_value);
        return true;
    case msgpack_kind::float_number: put_json_real(out, token.number); return true;
    case msgpack_kind::text: put_json_text(out, token.bytes); return true;
    case msgpack_kind::binary:
    case msgpack_kind::extension: return false;
    case msgpack_kind::array:
    case msgpack_kind::map: break;
    }
    out += is_map ? '{' : '[';
    for (std::uint32_t i = 0; i < token.count; ++i) {
        out += i == 0 ? "" : ",";
        if (is_map) {
            std::string_view key;
            if (from.read_text(key) != read_status::ok) {
                return false;
            }
            put_json_text(out, key);
            out += ':';
        }
        if (!put_next(out, from)) {
            return false;
        }
    }
    out += is_map ? '}' : ']';
    return true;
}

} // namespace

bool put_json_packed(std::string& out, std::string_view packed) {
    msgpack_reader from(packed);
    return put_next(out, from) && from.at_end();
}

} // namespace monarc::encode
