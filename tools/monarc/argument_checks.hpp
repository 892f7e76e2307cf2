#pragma once

// What CLI11 would take and nobody means, or refuse with words for programmers.

#include <monarc/secret.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace monarc::tool {

inline constexpr auto any_number = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t largest_port = 65'535;

// Decimal digits: CLI11 takes -1 for 2^64-1, 010 for 8 and what is too large for 2^64-1. A
// transform.
CLI::Validator whole_number(std::uint64_t most = any_number);

// From 0 to 10^9, and a number: CLI11 takes nan.
CLI::Validator number_of_seconds();

// env:NAME or file:/path; plain text is refused, because others can read a command line.
// Fails: throws CLI::ValidationError, which names `flag`.
secret secret_of(const std::string& flag, const std::string& text);

// One of these words. A transform.
template <class Enum>
CLI::Validator one_of(std::vector<std::pair<std::string, Enum>> words) {
    const auto choose = [words = std::move(words)](std::string& text) -> std::string {
        std::string all;
        for (const auto& [word, value] : words) {
            if (text == word) {
                text = std::to_string(static_cast<int>(value));
                return {};
            }
            all += all.empty() ? "" : ", ";
            all += word;
        }
        return fmt::format("must be one of {}, got '{}'", all, text);
    };
    return {choose, ""};
}

} // namespace monarc::tool
