#pragma once

// Where we deliberately differ from mona_sdk (mona-rest.md section 14), and what must be seen
// instead. Such a recording is not to be met, but it must show what the contract says that it does.

#include "golden/recorded_value.hpp"
#include "golden/sdk_player.hpp"

#include <string>
#include <string_view>

namespace monarc::golden {

// Whether a scenario of this name cannot be said, or is about what we have not got.
bool is_skipped_sdk(std::string_view name);

// The table in the words of the runner, a line for each scenario.
std::string sdk_table_of_differences();

// Puts what must be seen instead into the place of what was recorded, if anything must. `ours`
// tells only where in the course of the script it belongs.
// Returns: what is wrong with the recording; empty if nothing is.
std::string replace_sdk_expectation(
    std::string_view name,
    const json_value& recording,
    const sdk_observation& ours,
    sdk_observation& expected);

} // namespace monarc::golden
