#pragma once

// Plays the script of a recording of mona_sdk with exporters of ours, one for each client, and says
// in the words of the recording what came of it.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"
#include "golden/sdk_server.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

// What the original fails to load with where a number is none.
inline constexpr std::string_view error_of_loading = "ValueError";

struct sdk_observation {
    std::string load_error; // kind; empty: none
    std::vector<result_line> results;
    std::vector<said_line> log; // field: the logger's name
    std::vector<sdk_request> http;

    // Of ours: how many lines and requests there were before each step.
    struct marks {
        std::size_t log;
        std::size_t http;
    };
    std::vector<marks> before_steps;
};

// Whether a step calls a service, which we have not got.
bool is_service(std::string_view op);

// `recording` with all in its place (sdk_value.hpp). Changes the environment.
sdk_observation play_sdk(const json_value& recording, sdk_server& server);

} // namespace monarc::golden
