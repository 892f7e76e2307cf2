#pragma once

// What mona-client.md sections 4 to 8 and 15 say that a script does, worked out from the script
// alone: for the rows of section 15, whose recordings show something else. It knows plain messages
// and contexts only, and nothing of our code.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace monarc::golden {

struct modelled {
    observation seen;
    // Events that the original sends besides, by its own bugs.
    std::vector<std::string> also;
    // Events that were exported, whether the receiver was there to take them or not.
    std::vector<std::string> exported;
    // Events that the original sends, and that no payload of ours holds.
    std::vector<std::string> too_large;
    // By their steps, those that nothing happened to the receiver after.
    std::map<std::string, std::string> undisturbed;
    // Steps of exports while nobody had listened yet.
    std::set<std::string> nobody_listened;
};

modelled model(const json_value& recording);

// The values that a message cannot be packed with: integers beyond 64 bits, more than 508 levels.
bool is_beyond_packing(const json_value& value);

// Whether the client and the receiver of a recording understand one another.
bool can_talk(const json_value& recording);

} // namespace monarc::golden
