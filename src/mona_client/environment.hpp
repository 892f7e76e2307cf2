#pragma once

// The MONA_* variables, read as mona-client reads them (mona-client.md section 3.1).

#include <monarc/mona_client.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::mona_client {

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

// The spellings that Python's int() takes.
std::optional<std::int64_t> python_integer(std::string_view text) noexcept;

// True, true, False, false; whatever else there is means `otherwise`.
bool read_switch(const char* text, bool otherwise) noexcept;

} // namespace monarc::mona_client
