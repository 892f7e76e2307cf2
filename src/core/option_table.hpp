#pragma once

// Every option once: its path, its member, its type and its range.

#include "core/option_value.hpp"

#include <monarc/options.hpp>

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace monarc {

// An option of a variant's alternative that is not chosen is not there. mona.user_id, .gzip and
// .merge have a row for each alternative.
struct option {
    std::string_view name; // the path of the member, and the key in a file

    std::function<bool(const exporter_options&)> is_there;

    // Sets the member from what was read. Returns: what is wrong, to be put behind the name.
    std::function<std::string(const raw_value&, reading, exporter_options&)> take;

    // Returns: `must be <range>, got <value>`; empty if it is in range or not there.
    std::function<std::string(const exporter_options&)> check;

    std::function<bool(const exporter_options&, const exporter_options&)> is_equal;
};

std::span<const option> option_table();

} // namespace monarc
