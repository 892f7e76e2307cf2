#include "core/python_words.hpp"

#include <charconv>
#include <string>

namespace monarc {
namespace {

// Without the blanks around it.
std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\n\r\f\v";
    const auto first = text.find_first_not_of(blanks);
    return first == text.npos ? std::string_view()
                              : text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

} // namespace

std::optional<std::int64_t> python_integer(std::string_view text) noexcept {
    text = trimmed(text);
    if (text.empty()) {
        return std::nullopt;
    }
    std::string digits;
    if (text.front() == '+' || text.front() == '-') {
        digits.assign(text.front() == '-' ? 1 : 0, '-');
        text.remove_prefix(1);
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        const bool separates =
            text[i] == '_' && i != 0 && i + 1 != text.size() && text[i - 1] != '_';
        if (!is_digit && !separates) {
            return std::nullopt;
        }
        digits += is_digit ? std::string_view(&text[i], 1) : std::string_view();
    }
    std::int64_t number = 0;
    const auto* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) {
        return std::nullopt;
    }
    return number;
}

bool read_switch(const char* text, bool otherwise) noexcept {
    const std::string_view word = text != nullptr ? text : "";
    if (word == "True" || word == "true") {
        return true;
    }
    return word == "False" || word == "false" ? false : otherwise;
}

std::optional<double> python_number(std::string_view text) noexcept {
    text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) {
        text.remove_prefix(1);
    }
    double number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

} // namespace monarc
