#pragma once

// What all examples can be told.

#include <string>

namespace CLI {
class App;
}

namespace example {

struct arguments {
    std::string data;
    std::string store;
    unsigned passes = 1;
    std::string monarc = "monarc";
    std::string json{};
    bool must_break = false;
};

// Adds them with the defaults that `a` has.
void add_options(CLI::App& app, arguments& a);

// Returns: true to go on; else exit_code is 0 after --help and 2 for what is wrong.
bool parse(CLI::App& app, int argc, char** argv, int& exit_code);

} // namespace example
