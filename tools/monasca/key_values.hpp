#pragma once

// `--dimensions a=1,b=2` and its relatives (monasca-cli.md section 4.1), and times. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::tool {

// Keys in the order of their first place; a key that came twice has both values.
using key_values = std::vector<std::pair<std::string, std::vector<std::string>>>;

// How a piece without `=` is taken.
enum class bare_keys { are_keys, are_wrong };

// `given`: the option's values, each time it was there. Throws failure for a malformed piece.
key_values read_pairs(const std::vector<std::string>& given, bare_keys bare);

// `key:value` with commas; the last value of a key counts, an empty one leaves the key alone.
std::string pairs_in_query(const key_values& pairs);
// As a JSON object; a key that came twice has a list.
std::string pairs_in_body(const key_values& pairs);

// `-90` and `now-90m` as UTC, 90 minutes before `seconds` since 1970; anything else as it is.
// Throws failure for `-` with something else behind.
std::string start_time_of(const std::string& text, std::int64_t seconds);

// The pieces between commas; of an empty text one empty piece, as Python splits.
std::vector<std::string> split(std::string_view text, char at);
std::string upper(std::string_view text);
std::string lower(std::string_view text);

// What the user hears when a command ends early: on standard error, with exit code 1 or another.
struct failure {
    std::string text;
    int code = 1;
};

} // namespace monarc::tool
