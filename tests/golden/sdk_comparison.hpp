#pragma once

// Holds what was seen against a recording of mona_sdk, as its README says.

#include "golden/recorded_value.hpp"
#include "golden/sdk_player.hpp"

#include <string>

namespace monarc::golden {

// What the recording shows, all in its place.
sdk_observation recorded_sdk(const json_value& recording);

// Returns: the first difference; empty if there is none.
std::string first_difference(const sdk_observation& expected, const sdk_observation& seen);

std::string shown(const sdk_request& request);

} // namespace monarc::golden
