#pragma once

// What `monarc sink` is told about Mona's REST interface.

#include "sink/options.hpp"
#include "sink/rest_server.hpp"
#include "sink/server.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace CLI {
class App;
}

namespace monarc::tool {

struct rest_arguments {
    std::optional<std::uint16_t> port{}; // none: not offered
    sink::rest_options rest{};
    std::uint64_t token_life_seconds = 4 * 3600;
};

void add_rest_options(CLI::App& command, rest_arguments& arguments);

// Returns: null if it is not asked for. Fails: throws sink::start_error.
std::unique_ptr<sink::rest_server>
start_rest(const rest_arguments& arguments, const sink::options& options, sink::server& keeper);

} // namespace monarc::tool
