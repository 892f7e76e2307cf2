#pragma once

// Holds what was seen against a recording, as its README says.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"

#include <string>
#include <string_view>

namespace monarc::golden {

enum class verdict { passed, failed, skipped };

struct judgement {
    golden::verdict verdict = golden::verdict::passed;
    std::string why; // failed, skipped
};

// What the recording shows.
observation recorded(const json_value& recording);

// Whether a scenario of this name cannot be said in C++ (mona-client.md section 15).
bool is_skipped(std::string_view name);

// `is_exact`: played with mona-client's exact traffic, so that the bytes must be equal, too.
judgement
judge(std::string_view name, const json_value& recording, const observation& seen, bool is_exact);

// The table of section 15 in the words of the runner, a line for each scenario: for the test that
// holds it against the contract.
std::string table_of_differences();

} // namespace monarc::golden
