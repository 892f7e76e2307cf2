#pragma once

// `monarc sink`: the local server as a process.

namespace CLI {
class App;
}

namespace monarc::tool {

// Adds the subcommand; `exit_code` is set when it ran.
void add_sink_command(CLI::App& monarc, int& exit_code);

} // namespace monarc::tool
