#pragma once

// Shows on the standard output what would be sent.

#include "send/console.hpp"
#include "send/row.hpp"
#include "send/target.hpp"

#include <cstdint>
#include <string>

namespace monarc::send {

// At most `limit` records, one a line. Returns: the exit code.
int dry_run(
    row_source& from, target& to, console& out, const std::string& file, std::uint64_t limit);

} // namespace monarc::send
