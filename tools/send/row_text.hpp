#pragma once

#include "send/row.hpp"

#include <string>

namespace monarc::send {

// Appends the fields as one JSON object; bytes that are not UTF-8 become U+FFFD. Wants a flat row.
void put_json(std::string& out, const row& r);

} // namespace monarc::send
