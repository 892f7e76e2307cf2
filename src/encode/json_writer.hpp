#pragma once

// Writes JSON to the end of a string.

#include <string>
#include <string_view>

namespace monarc::encode {

// With its quotes; `text` is valid UTF-8.
void put_json_text(std::string& out, std::string_view text);

// Finite; the shortest form that reads back as the same double.
void put_json_number(std::string& out, double value);

} // namespace monarc::encode
