#pragma once

// Holds what was seen against a recording, as its README says.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"

#include <string>
#include <string_view>

namespace monarc::golden {

// What the recording shows.
observation recorded(const json_value& recording);

// `is_exact`: played with mona-client's exact traffic, so that the bytes must be equal, too.
// Returns: what is wrong; empty if nothing is.
std::string
judge(std::string_view name, const json_value& recording, const observation& seen, bool is_exact);

// A line of the original's own sender, which we have not got.
bool is_inside_the_sender(const said_line& line);

} // namespace monarc::golden
