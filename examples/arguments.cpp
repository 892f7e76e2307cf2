#include "arguments.hpp"

#include <CLI/CLI.hpp>

namespace example {

void add_options(CLI::App& app, arguments& a) {
    app.add_option("--data", a.data, "Real rows to work on")
        ->check(CLI::ExistingFile)
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--monarc", a.monarc, "The program monarc, whose sink receives")
        ->type_name("PATH")
        ->capture_default_str();
    app.add_option("--store", a.store, "Where the sink keeps the events; it is written anew")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--passes", a.passes, "Over the data, for each thread")
        ->check(CLI::Range(1u, 100'000u))
        ->type_name("N")
        ->capture_default_str();
    app.add_option("--json", a.json, "Write what is printed at the end to this file too")
        ->type_name("FILE");
    app.add_flag("--break", a.must_break, "Let the sink lose a record: the ledger must notice");
    app.footer("Exit codes: 0 each ledger is exact; 1 one is NOT exact; 2 wrong arguments, no "
               "data or no sink.");
}

bool parse(CLI::App& app, int argc, char** argv, int& exit_code) {
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::ParseError& wrong) {
        exit_code = app.exit(wrong) == 0 ? 0 : 2;
        return false;
    }
}

} // namespace example
