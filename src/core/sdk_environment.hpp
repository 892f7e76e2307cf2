#pragma once

// The variables of mona_sdk, read as it reads them (mona-rest.md section 11).

#include <monarc/options.hpp>

#include <functional>
#include <string>

namespace monarc {

struct sdk_environment {
    mona_rest_options options{};

    int logging_level = 51; // as Python's logging counts; 51: off
    std::string bad_level{};
    std::string logger_name = "mona-logger";
    bool raises_authentication = false;
    bool raises_export = false;
    bool raises_service = false;
    bool logs_failed_messages = false;

    // Which variable cannot be used, and why; empty: none. The original does not load then, with an
    // error of its own (is_initialisation) or of Python's.
    std::string wrong{};
    bool is_initialisation = false;
};

// `variable` gives a variable's text, null if it is not set.
sdk_environment read_sdk_environment(const std::function<const char*(const char*)>& variable);

} // namespace monarc
