#pragma once

#include <stdexcept>

namespace monarc::sink {

// What kept a sink from starting; what() is a whole message.
struct start_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace monarc::sink
