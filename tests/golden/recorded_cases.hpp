#pragma once

// What all runners of recordings share: a folder is walked, each recording is played in a process
// of its own, a line is printed for each.

#include "golden/recorded_value.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

// What differs in its expectations alone, so that one play of the first serves all.
using recordings = std::vector<const json_value*>;

struct runner {
    std::string_view program;
    std::string_view client;                                           // whose recordings they are
    std::vector<std::string_view> members;                             // that a recording has
    std::function<std::string(const json_value& expected)> wrong_form; // of what it expects
    std::function<bool(std::string_view)> is_skipped;                  // by its name
    std::string_view why_skipped;
    // Returns: for each, what is wrong with it; empty if nothing is.
    std::function<std::vector<std::string>(const std::string& name, const recordings& all)> judge;
    std::function<std::string()> table_of_differences;
};

// The runner's main: `--cases DIR [--play-once]`, or `--differences`, which prints the table. Ends
// with `N passed, M failed, K skipped`; 1 if any failed. With `--play-once` altered copies of a
// recording are held against one play, for the tests of the runner.
int run(const runner& what, int argc, char** argv);

// Plays in a child, which is ended if it hangs.
// Returns: what `play` says of each of `count`, or how the child ended.
std::vector<std::string>
play_in_child(std::size_t count, const std::function<std::vector<std::string>()>& play);

} // namespace monarc::golden
