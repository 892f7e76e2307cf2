#pragma once

// Byte strings that real receivers have seen, where the machine has them.

#include "support/msgpack_text.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace support {

struct forward_vector {
    std::string id;
    std::string bytes; // empty where the file gives only their beginning
};

// Empty, after a word about it, if the file is not there: `what` names the test that does without.
inline std::vector<forward_vector> forward_vectors(std::string_view what) {
    const char* const folder = std::getenv("MONARC_GOLDEN");
    std::ifstream file(std::string(folder != nullptr ? folder : "") + "/forward/vectors.json");
    if (folder == nullptr || !file) {
        std::printf(
            "SKIP %.*s: the folder in MONARC_GOLDEN has no forward/vectors.json\n",
            static_cast<int>(what.size()),
            what.data());
        return {};
    }
    std::stringstream all;
    all << file.rdbuf();
    const std::string text = all.str();
    std::vector<forward_vector> vectors;
    // One member a line: "id": "…" begins a vector, "hex": "…" belongs to the last begun.
    const auto value_of = [&](std::size_t at) {
        const auto begin = text.find(": \"", at) + 3;
        return text.substr(begin, text.find('"', begin) - begin);
    };
    for (std::size_t at = 0; (at = text.find("\n  \"", at)) != std::string::npos; ++at) {
        if (text.compare(at + 3, 6, "\"id\": ") == 0) {
            vectors.push_back({.id = value_of(at), .bytes = {}});
        } else if (text.compare(at + 3, 7, "\"hex\": ") == 0 && !vectors.empty()) {
            vectors.back().bytes = from_hex(value_of(at));
        }
    }
    return vectors;
}

} // namespace support
