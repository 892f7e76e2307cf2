#include "core/utf8.hpp"

#include <monarc/detail/shape.hpp>

#include <cstdint>
#include <cstring>

namespace monarc {
namespace {

std::size_t ascii_prefix(std::string_view text) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data() + i, 8);
        if ((eight & 0x8080808080808080u) != 0) {
            break;
        }
    }
    while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) {
        ++i;
    }
    return i;
}

// Bytes of the longest well-formed beginning of a sequence; at least 1.
std::size_t broken_part(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    std::size_t more = lead >= 0xf0 && lead <= 0xf4  ? 3
                       : lead >= 0xe0 && lead < 0xf0 ? 2
                                                     : lead >= 0xc2 && lead < 0xe0;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    std::size_t taken = 1;
    while (more-- > 0 && taken < text.size()) {
        const auto next = static_cast<unsigned char>(text[taken]);
        if (next < low || next > high) {
            break;
        }
        low = 0x80;
        high = 0xbf;
        ++taken;
    }
    return taken;
}

// Bytes of the sequence at the start if it is whole, else 0.
std::size_t whole_sequence(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return bytes <= text.size() && detail::is_utf8(text.substr(0, bytes)) ? bytes : 0;
}

} // namespace

bool is_utf8_slowly(std::string_view text) noexcept {
    text.remove_prefix(ascii_prefix(text));
    return text.empty() || detail::is_utf8(text);
}

bool append_utf8(std::string_view text, std::string& out) {
    if (is_utf8(text)) {
        out.append(text);
        return false;
    }
    while (!text.empty()) {
        if (const auto ascii = ascii_prefix(text); ascii != 0) {
            out.append(text.substr(0, ascii));
            text.remove_prefix(ascii);
        } else if (const auto bytes = whole_sequence(text); bytes != 0) {
            out.append(text.substr(0, bytes));
            text.remove_prefix(bytes);
        } else {
            out.append("\xef\xbf\xbd");
            text.remove_prefix(broken_part(text));
        }
    }
    return true;
}

} // namespace monarc
