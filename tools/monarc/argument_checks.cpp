#include "monarc/argument_checks.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace monarc::tool {
namespace {

template <class Number>
bool read_whole(const std::string& text, Number& to) {
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, to);
    return read.ec == std::errc() && read.ptr == end;
}

} // namespace

CLI::Validator whole_number() {
    const auto check = [](std::string& text) -> std::string {
        std::uint64_t number = 0;
        if (!read_whole(text, number)) {
            return fmt::format("must be a whole number from 0, got '{}'", text);
        }
        text = std::to_string(number);
        return {};
    };
    return {check, ""};
}

CLI::Validator number_of_seconds() {
    const auto check = [](std::string& text) -> std::string {
        constexpr double most = 1e9;
        double number = 0.0;
        if (!read_whole(text, number) || !(number >= 0.0 && number <= most)) {
            return fmt::format("must be a number of seconds, 0..10^9, got '{}'", text);
        }
        return {};
    };
    return {check, ""};
}

} // namespace monarc::tool
