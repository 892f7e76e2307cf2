#pragma once

// Shows on the standard output what would be sent.

#include "send/console.hpp"
#include "send/row.hpp"
#include "send/target.hpp"

#include <cstdint>
#include <string>

namespace monarc::send {

struct dry_run_options {
    std::string file{};        // as it is shown
    std::uint64_t limit = 0;   // records
    std::uint64_t max_bad = 0; // lines
    bool is_quiet = false;     // no last line
};

// One record a line. Returns: the exit code.
int dry_run(row_source& from, target& to, console& out, const dry_run_options& options);

} // namespace monarc::send
