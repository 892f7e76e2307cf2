#pragma once

// Whether a recording that is not to be met shows what mona-client.md says that the original does.

#include "golden/observation.hpp"
#include "golden/recorded_value.hpp"
#include "golden/script_model.hpp"

#include <string>

namespace monarc::golden {

// Returns: what is wrong with the recording; empty if nothing is.
std::string
check_original(const json_value& recording, const observation& recorded, const modelled& ours);

} // namespace monarc::golden
