#pragma once

#include <monarc/options.hpp>

#include <string>

namespace monarc {

// Checks every range once. Returns: which option, what is allowed, what it got; empty if all are
// good.
std::string validate(const exporter_options& options);

} // namespace monarc
