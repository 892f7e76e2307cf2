#pragma once

// Texts made of the tables: help, what is said of a wrong command line, the manual page. Pure.

#include "monasca/definition.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace monarc::tool {

std::string overview();
std::string help_of(const command_definition& command);
// Of whatever the word names, or a list of all that begin so. Empty: there is none.
std::string help_about(std::string_view word);
// The command without a table that this word is or begins, as `complete`. Empty: there is none.
std::string_view extra_command(std::string_view word) noexcept;
std::string usage_of(const command_definition* command); // null: of all
std::string manual_page();

// `monasca: 'x' is not a monasca command. …` with what may have been meant.
std::string unknown_command(const std::vector<std::string>& words);

} // namespace monarc::tool
