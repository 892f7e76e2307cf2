#pragma once

// Where we deliberately differ from mona-client (mona-client.md section 15), and what must be seen
// instead. Such a recording is not to be met, but it must show what the contract says that it does.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"

#include <string>
#include <string_view>

namespace monarc::golden {

// Whether a scenario of this name cannot be said in C++.
bool is_skipped(std::string_view name);

// The table in the words of the runner, a line for each scenario.
std::string table_of_differences();

// Puts what must be seen instead into the place of what was recorded, if anything must.
// Returns: what is wrong with the recording; empty if nothing is.
std::string
replace_expectation(std::string_view name, const json_value& recording, observation& expected);

} // namespace monarc::golden
