#pragma once

// A peer in the same run: spdlog's asynchronous logger into a sink that does nothing.

#include "baseline.hpp"

#include <memory>

namespace monarc::bench {

// Null where the library was not found at configure time.
std::unique_ptr<baseline> make_spdlog();

} // namespace monarc::bench
