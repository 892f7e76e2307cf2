#pragma once

// Plays the script of a recording with the functions of mona_client against a recording server.
// Once in a process: the client is the process's.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"

#include <string>

namespace monarc::golden {

struct play_settings {
    bool is_exact = false; // mona-client's exact traffic (delivery.md D-5.5)
    std::string folder;    // of its own, for files
};

observation play(const json_value& recording, const play_settings& settings);

// The events in the bytes of one connection, in any mode of the forward protocol. Returns: false if
// they are something else.
bool read_events(std::string_view bytes, std::vector<std::string>& events);

} // namespace monarc::golden
