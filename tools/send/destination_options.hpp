#pragma once

// What the command line, the environment and a file say about where it goes, as one set of options.

#include <monarc/options.hpp>

#include <string>
#include <system_error>
#include <vector>

namespace monarc::send {

struct destination_arguments {
    std::string config{};           // a file
    std::vector<std::string> set{}; // option=value
    std::string mona{};             // host, host:port, [address]:port
    std::string unix_path{};        // of the forward receiver, in the place of mona
    bool use_tls = false;           // with the forward receiver
    std::string ca_file{};          // for TLS
    std::string shared_key{};       // env:NAME or file:/path
    std::string monasca{};          // URL
    std::string token{};            // env:NAME or file:/path
    bool is_for_mona = true;        // else for Monasca
};

// Flags win over variables, and these over the file. Sets what sending a file wants: a push waits
// for room, and no series gets dimensions that were not asked for.
// Fails: throws std::system_error(errc::bad_options) whose what() names flag, variable or line.
exporter_options destination_options(const destination_arguments& arguments, log_function log);

// Of an error of the exporter's options, without the name of its code behind it.
std::string text_of(const std::system_error& error);

} // namespace monarc::send
