#pragma once

#include <monarc/options.hpp>

#include <string>
#include <vector>

namespace monarc {

// What Monasca would refuse of the dimensions that every series gets, or of what is derived: which
// option, what is allowed, what it got. Empty: nothing.
std::string why_not(const monasca_options& options);
std::string why_not(const std::vector<derived_series>& rules);

} // namespace monarc
