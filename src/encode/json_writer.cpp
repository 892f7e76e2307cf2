#include "encode/json_writer.hpp"

#include <fmt/format.h>

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

} // namespace monarc::encode
