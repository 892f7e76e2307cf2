#pragma once

// MessagePack as text that a test can compare: JSON, but that a real always shows its point, binary
// stands as <n bytes>, an extension as ext(type, bytes in hex).

#include "encode/msgpack_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace support {

inline std::string to_hex(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
        hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return hex;
}

// Blanks are passed over.
inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    std::string digits;
    for (const char c : hex) {
        if (c != ' ' && c != '\n') {
            digits += c;
        }
    }
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

inline std::string real_as_text(double value) {
    if (std::isnan(value)) {
        return "nan";
    }
    auto text = fmt::format("{}", value);
    if (text.find_first_of(".ei") == std::string::npos) {
        text += ".0";
    }
    return text;
}

// "!" where the bytes end too early or break the format.
inline std::string next_as_text(monarc::encode::msgpack_reader& reader) {
    using monarc::encode::msgpack_kind;
    monarc::encode::msgpack_token token;
    if (reader.next(token) != monarc::encode::read_status::ok) {
        return "!";
    }
    switch (token.kind) {
    case msgpack_kind::nil: return "null";
    case msgpack_kind::boolean: return token.boolean ? "true" : "false";
    case msgpack_kind::unsigned_integer: return fmt::format("{}", token.unsigned_value);
    case msgpack_kind::negative_integer: return fmt::format("{}", token.negative_value);
    case msgpack_kind::float_number: return real_as_text(token.number);
    case msgpack_kind::text: return fmt::format("\"{}\"", token.bytes);
    case msgpack_kind::binary: return fmt::format("<{} bytes>", token.bytes.size());
    case msgpack_kind::extension:
        return fmt::format("ext({}, {})", token.extension_type, to_hex(token.bytes));
    case msgpack_kind::array:
    case msgpack_kind::map: break;
    }
    const bool is_map = token.kind == msgpack_kind::map;
    std::string text = is_map ? "{" : "[";
    for (std::uint32_t i = 0; i < token.count; ++i) {
        text += i == 0 ? "" : ", ";
        text += next_as_text(reader);
        if (is_map) {
            text += ": " + next_as_text(reader);
        }
        if (text.back() == '!') {
            return text;
        }
    }
    return text + (is_map ? "}" : "]");
}

// All objects in `bytes`, one a line.
inline std::string as_text(std::string_view bytes) {
    monarc::encode::msgpack_reader reader(bytes);
    std::string text;
    while (!reader.at_end() && !text.ends_with('!')) {
        text += text.empty() ? "" : "\n";
        text += next_as_text(reader);
    }
    return text;
}

} // namespace support
