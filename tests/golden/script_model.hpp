#pragma once

// What mona-client.md sections 4 to 9 and 15 say that a script does, worked out from the script
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
    // Events that were exported, whether the receiver was there to take them or not.
    std::vector<std::string> exported;
    // Events that the original sends, and that no payload of ours holds.
    std::vector<std::string> too_large;
    // By their steps, those that nothing happened to the receiver after.
    std::map<std::string, std::string> undisturbed;
    // Steps of exports while nobody had listened yet.
    std::set<std::string> nobody_listened;

    // Of the original: the events of each connection, and whether all of it is certain.
    std::vector<std::vector<std::string>> connections;
    bool is_certain = true;
    // Section 4.3 does not say whether a level that has its parent's name is refused in silence.
    bool may_say_close_nothing = false;
};

// What ours does.
modelled model(const json_value& recording);
// What the original does, by its accidents.
modelled model_of_original(const json_value& recording);

// The values that a message cannot be packed with: integers beyond 64 bits, more than 508 levels.
bool is_beyond_packing(const json_value& value);

} // namespace monarc::golden
