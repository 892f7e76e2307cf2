#pragma once

// Writes JSON to the end of a string.

#include <string>
#include <string_view>

namespace monarc::encode {

// With its quotes; `text` is valid UTF-8.
void put_json_text(std::string& out, std::string_view text);

// Finite; the shortest form that reads back as the same double.
void put_json_number(std::string& out, double value);

// The same, but that it shows its point, so that it is read as a double again; NaN and infinities
// as Python's json writes them.
void put_json_real(std::string& out, double value);

// What MessagePack of ours says. Returns: false if it is none, or holds what JSON has not.
bool put_json_packed(std::string& out, std::string_view packed);

} // namespace monarc::encode
