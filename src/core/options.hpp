#pragma once

#include <monarc/options.hpp>

#include <string>

namespace monarc {

// Each returns: which option, what is allowed, what it got; empty if all are good.

// Every range once, and the rules between options.
std::string out_of_range(const exporter_options& options);

// That and whatever else the constructor wants: a destination's address, nothing unsafe, nothing
// that is not built yet.
std::string validate(const exporter_options& options);

} // namespace monarc
