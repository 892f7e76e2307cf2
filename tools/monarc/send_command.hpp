#pragma once

// `monarc send`: a file, or what is piped in, to Mona or Monasca.

namespace CLI {
class App;
}

namespace monarc::tool {

// Adds the subcommand; `exit_code` is set when it ran.
void add_send_command(CLI::App& monarc, int& exit_code);

} // namespace monarc::tool
