// The command monarc.

#include "monarc/own_arguments.hpp"
#include "monarc/send_command.hpp"
#include "monarc/sink_command.hpp"

#include <monarc/api.hpp>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view footer = R"(
Exit codes: 0 it was done; 1 it was not, and stderr says what, why and what next; 2 wrong arguments. Some
commands have more.

Examples:
  monarc sink                            a receiver on 127.0.0.1:24224; Ctrl-C prints what has arrived
  monarc sink --monasca-port 8070        the same, and a Monasca on port 8070
  monarc send trades.csv --class fill    the rows of a file, to a receiver on 127.0.0.1:24224
  monarc sink --help                     all that one command can, with examples

More: man monarc; the documentation is in docs/ of the source.
)";

} // namespace

int main(int argc, char** argv) {
    std::signal(
        SIGPIPE, SIG_IGN); // a reader of our output that leaves is no reason to die in mid-write

    int exit_code = 0;
    CLI::App app(
        "monarc: ships records to Mona and metrics to Monasca; these are its tools.", "monarc");
    app.set_version_flag("--version", "monarc " MONARC_VERSION_STRING);
    app.require_subcommand(1);
    app.footer(std::string(footer));
    monarc::tool::add_send_command(app, exit_code);
    monarc::tool::add_sink_command(app, exit_code);
    try {
        app.parse(monarc::tool::take_arguments(argc, argv));
    } catch (const CLI::RequiredError& e) {
        // CLI11 complains of what is missing before it looks at what is there.
        if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
            std::fprintf(
                stderr, "monarc: there is no command %s; monarc --help lists them\n", argv[1]);
            return 2;
        }
        app.exit(e);
        return 2;
    } catch (const CLI::ParseError& e) {
        // CLI11 has a number of its own for each mistake; ours is 2 for all, 0 for --help and
        // --version.
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "monarc: unexpected: %s; please report this\n", e.what());
        return 1;
    }
    return exit_code;
}
