#pragma once

// What real receivers did with byte strings (golden/forward), where the machine has the recordings.

#include <simdjson.h>

#include <compare>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace support {

// As the sender of a message sees it.
struct recorded_reaction {
    bool is_acknowledged = false;
    std::string connection; // open, closed, reset
    auto operator<=>(const recorded_reaction&) const = default;
};

// Each kind once, with a receiver and byte string that it was seen of. Empty, after a word about
// it, if the file is not there: `what` names the test that does without.
inline std::map<recorded_reaction, std::string> recorded_reactions(const char* what) {
    std::map<recorded_reaction, std::string> seen;
    const char* const folder = std::getenv("MONARC_GOLDEN");
    simdjson::dom::parser parser;
    simdjson::dom::array vectors;
    if (folder == nullptr ||
        parser.load(std::string(folder) + "/forward/vectors.json").get(vectors) !=
            simdjson::SUCCESS) {
        std::printf("SKIP %s: the folder in MONARC_GOLDEN has no forward/vectors.json\n", what);
        return seen;
    }
    for (const auto vector : vectors) {
        for (const auto& [receiver, reaction] : simdjson::dom::object(vector["reactions"])) {
            seen.try_emplace(
                {.is_acknowledged = simdjson::dom::array(reaction["acks"]).size() != 0,
                 .connection = std::string(std::string_view(reaction["connection"]))},
                std::string(receiver) + ": " + std::string(std::string_view(vector["id"])));
        }
    }
    return seen;
}

} // namespace support
