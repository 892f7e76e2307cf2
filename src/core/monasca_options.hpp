#pragma once

#include <monarc/options.hpp>

#include <string>

namespace monarc {

// What is wrong with the options of the Monasca destination, or with what is derived for it: which
// option, what is allowed, what it got. Empty: nothing.
std::string why_not(const monasca_options& options);
std::string why_not(const derived_series& rule);

} // namespace monarc
