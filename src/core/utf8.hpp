#pragma once

// Text from outside becomes valid UTF-8 here (D-4.4).

#include <string>
#include <string_view>

namespace monarc {

// Runs of ASCII are passed over eight bytes at a time.
bool is_utf8(std::string_view text) noexcept;

// Appends `text` with U+FFFD for each maximal part of a broken sequence, as Unicode 15 section 3.9
// recommends. Returns: whether anything was replaced.
bool append_utf8(std::string_view text, std::string& out);

} // namespace monarc
