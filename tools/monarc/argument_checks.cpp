#include "monarc/argument_checks.hpp"

#include "core/option_value.hpp"

#include <charconv>
#include <cstdio>
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

CLI::Validator whole_number(std::uint64_t most) {
    const auto check = [most](std::string& text) -> std::string {
        std::uint64_t number = 0;
        if (!read_whole(text, number) || number > most) {
            const auto range = most == any_number ? "" : fmt::format(" to {}", most);
            return fmt::format("must be a whole number from 0{}, got '{}'", range, text);
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

secret secret_of(const std::string& flag, const std::string& text) {
    if (!text.starts_with("env:") && !text.starts_with("file:")) {
        throw CLI::ValidationError(
            flag, "a secret on a command line can be read by others; give env:NAME or file:/path");
    }
    std::vector<std::string> warnings;
    secret found;
    const reading how{.is_variable = true, .allowed = {}, .warnings = warnings};
    auto wrong = take(raw_value{text}, how, found);
    if (wrong.empty() && found.is_empty()) {
        wrong = "is empty";
    }
    if (!wrong.empty()) {
        throw CLI::ValidationError(flag, wrong);
    }
    for (const auto& warning : warnings) {
        fmt::print(stderr, "monarc: {} {}\n", flag, warning);
    }
    return found;
}

} // namespace monarc::tool
