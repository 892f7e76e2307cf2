#pragma once

// What a service learns about a token from Keystone.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

struct token_facts {
    std::string project{}; ///< Its id; empty: the token has no scope.
    std::vector<std::string> roles{};
    std::int64_t expires_at = std::numeric_limits<std::int64_t>::max(); ///< Milliseconds.

    bool has_role(std::string_view wanted) const noexcept {
        for (const auto& role : roles)
            if (role == wanted)
                return true;
        return false;
    }
};

} // namespace monarc::sink
