#pragma once

// What a sink does about a request with messages when it is told to misbehave.

#include <optional>
#include <string_view>
#include <vector>

namespace monarc::sink {

struct rest_reaction {
    enum class kind {
        as_usual,
        status,  ///< Answered with it; nothing is kept.
        lost,    ///< Kept, and closed without an answer.
        stall,   ///< Kept; neither answered nor closed.
        partial, ///< Kept but for the last message, which is refused.
    };
    kind what = kind::as_usual;
    int status = 0;
};

// Reads `503,lost,partial,ok`; empty: it is none.
std::optional<std::vector<rest_reaction>> read_rest_reactions(std::string_view list);

} // namespace monarc::sink
