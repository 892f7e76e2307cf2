#pragma once

// MessagePack to JSON text, for what the sink stores and shows.

#include <string>
#include <string_view>

namespace monarc::sink {

// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD, one each.
void append_json_string(std::string& out, std::string_view text);

// `text` itself if it is UTF-8, else a repaired copy of it in `scratch`.
std::string_view as_utf8(std::string_view text, std::string& scratch);

// Appends one MessagePack object, which must be whole and not deeper than what msgpack_reader::skip
// took. What JSON cannot say: NaN and infinities become texts, an extension becomes {"$ext": type,
// "$bytes": hex}, a key that is no text becomes the text of its JSON. Binary is treated as text.
void append_json(std::string& out, std::string_view object);

// Appends each byte as two lower-case hexadecimal digits.
void append_hex(std::string& out, std::string_view bytes);

} // namespace monarc::sink
