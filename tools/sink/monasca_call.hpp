#pragma once

// A request that has reached a resource of Monasca, and what is known by then.

#include "sink/http_message.hpp"
#include "sink/token_facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::sink {

struct monasca_call {
    const http_request& request;
    std::string_view path; ///< Without a slash at its end.
    std::string uri;       ///< http://host/path
    std::int64_t now = 0;  ///< Milliseconds.
    std::string id{};      ///< What stands in the path for `*`, decoded.
    token_facts who{};
};

} // namespace monarc::sink
