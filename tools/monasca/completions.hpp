#pragma once

// Completion scripts, made of the tables. Pure.

#include <string>

namespace monarc::tool {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();
// All commands and all their options on one line, as 1.0.1's bash-completion.
std::string all_words();

} // namespace monarc::tool
