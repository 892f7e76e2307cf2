#pragma once

// What all runners of recordings share: a folder is walked, each recording is played in a process
// of its own, a line is printed for each.

#include "golden/recorded_value.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace monarc::golden {

enum class verdict { passed, failed, skipped };

struct judgement {
    golden::verdict verdict = golden::verdict::passed;
    std::string why; // failed, skipped
};

struct runner {
    std::string_view program;
    std::function<judgement(const json_value& recording)> judge;
    std::function<std::string()> table_of_differences;
};

// The runner's main: `--cases DIR`, or `--differences`, which prints the table. Ends with
// `N passed, M failed, K skipped`; 1 if any failed.
int run(const runner& what, int argc, char** argv);

// Plays in a child, which is ended if it hangs.
// Returns: what `play` says is wrong, or how the child ended; empty if all is well.
std::string play_in_child(const std::function<std::string()>& play);

} // namespace monarc::golden
