#pragma once

// The MONA_* variables, read as mona-client reads them (mona-client.md section 3.1).

#include "core/python_words.hpp"

#include <monarc/mona_client.hpp>

#include <functional>
#include <string>

namespace monarc::mona_client {

using monarc::python_integer;
using monarc::read_switch;

struct environment_reading {
    mona::client_options options;
    std::string bad_level; // of MONA_LOGGING_LEVEL; empty if it is one, or not set
    std::string wrong;     // why the client cannot be used; empty if it can
};

// `variable` gives a variable's text, null if it is not set.
environment_reading read_environment(const std::function<const char*(const char*)>& variable);

// The same from this process.
environment_reading read_environment();

// To the log, if there is something to say.
void say_bad_level(const environment_reading& reading);

} // namespace monarc::mona_client
