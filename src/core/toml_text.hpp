#pragma once

// The only file that includes toml++ is the one beside it.

#include "core/option_value.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace monarc {

struct toml_text {
    std::vector<raw_member> members; // in the order of their lines
    std::string wrong;               // why it is not TOML; empty if it is
    std::size_t line = 0;            // of what is wrong
};

toml_text parse_toml(std::string_view text);

} // namespace monarc
