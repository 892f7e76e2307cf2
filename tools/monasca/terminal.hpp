#pragma once

// What the command has to do with the terminal and the list of processes.

#include <monarc/secret.hpp>

#include <optional>
#include <string_view>

namespace monarc::tool {

// Returns: whether all of it was written; else errno says why not.
bool write_all(int descriptor, std::string_view text);

// Typed without being seen. Nothing: standard input is no terminal.
std::optional<secret> ask_password();

// SIGINT ends the process with exit code 130, the terminal as it was.
void end_at_once_when_interrupted();

// D-11.9: whoever lists the processes must not see them for longer than it takes to read them.
void hide_secrets(int argc, char** argv);

} // namespace monarc::tool
