#pragma once

// What a real Monasca takes and its store survives (monasca-api.md section 2, the column "monarc
// must"). It refuses a whole array for one bad measurement, so all of it is checked here first.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::monasca_rules {

inline constexpr std::size_t max_text_units = 255; // UTF-16 units, of names, keys and values
inline constexpr std::size_t max_dimensions = 32;
inline constexpr std::size_t max_dimension_bytes = 16 * 1024; // of all keys and values together
inline constexpr std::size_t max_meta_entries = 16;
inline constexpr std::size_t max_meta_characters = 2048; // of the JSON text as Python prints it
inline constexpr std::int64_t oldest_milliseconds = 13LL * 24 * 3600 * 1000; // before now
inline constexpr std::int64_t youngest_milliseconds = 60LL * 1000;           // after now

using text_pairs = std::vector<std::pair<std::string, std::string>>;

// What Monasca would refuse of a metric's name, a dimension's key or value, all of them together;
// the text names the offender. Empty: nothing.
std::string why_not_name(std::string_view name);
std::string why_not_dimension_key(std::string_view key);
std::string why_not_dimension_value(std::string_view value);
std::string why_not_dimensions(const text_pairs& dimensions);

// D-4.2: each forbidden character of a dimension's value becomes `_`, and white space around it.
// Wants valid UTF-8. Returns: how many did; a value of another fault is left as it is.
std::size_t repair_dimension_value(std::string& value);

// The length of `{"key": "value", …}` as Python prints it, its two braces included; with the limits
// on keys. Wants valid UTF-8. Returns: false if Monasca would refuse it.
bool is_good_meta(const text_pairs& meta);

constexpr bool is_good_time(std::int64_t milliseconds, std::int64_t now) noexcept {
    return milliseconds >= now - oldest_milliseconds && milliseconds <= now + youngest_milliseconds;
}

} // namespace monarc::monasca_rules
