#include "send/text_of_input.hpp"

#include <monarc/detail/slot.hpp>

#include <fmt/format.h>

namespace monarc::send {

std::string_view without_mark(std::string_view text) noexcept {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view space = " \t\r";
    const auto first = text.find_first_not_of(space);
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string too_long(std::uint64_t bytes) {
    return fmt::format("{} bytes long; a record has at most {}", bytes, detail::max_json_bytes);
}

found found_of(std::error_code ec, std::string& why) {
    if (ec == std::errc::interrupted) {
        return found::interrupted;
    }
    why = ec.message();
    return found::failed;
}

} // namespace monarc::send
