#pragma once

// Texts made of the tables: help, what is said of a wrong command line, the manual page. Pure.

#include "monasca/definition.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace monarc::tool {

std::string overview();
std::string help_of(const command_definition& command);
std::string usage_of(const command_definition* command); // null: of all
std::string manual_page();

// `monasca: 'x' is not a monasca command. …` with what may have been meant.
std::string unknown_command(const std::vector<std::string>& words);

} // namespace monarc::tool
