#pragma once

// How the sink's Monasca is not like a stock server in good health: each a switch `name=value` that
// can be set from the start or while it runs. Pure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::sink {

enum class kafka_state {
    up,
    down, ///< 204 after 2 s until 1000 metrics wait for it, then 500. They are kept when it is up.
    wedged, ///< As after that: old connections get 500, of new ones every second.
};

struct monasca_switches {
    bool takes_gzip =
        false;            ///< gzip=accept: as behind an Apache that inflates; else it is no JSON.
    bool is_java = false; ///< profile=java: stricter, inflates, says no in another form.
    kafka_state kafka = kafka_state::up;
    bool keystone_is_down = false;    ///< keystone=down: 503 for tokens that were not seen before.
    bool has_role = true;             ///< no_role: every good token gets the 401 of a missing role.
    std::uint64_t max_token_uses = 0; ///< revoke=N: then a token is good no more; 0: for ever.
    std::chrono::milliseconds slow{0}; ///< slow=N: before each answer.
    /// reset_after=N: requests that are answered; those beyond come to nothing but a reset.
    std::optional<std::uint64_t> reset_after{};
    bool half_closes =
        false; ///< half_close: no answer, the sending side is shut, the rest is open.
    std::size_t max_body_bytes = 0;      ///< 413_over=N: a proxy's limit; 0: none.
    std::uint64_t requests_a_second = 0; ///< 429=N: a proxy's limit; 0: none.
    std::optional<std::chrono::milliseconds> token_life{}; ///< token_life=N: of Keystone's tokens.
    std::optional<std::chrono::milliseconds> keep_alive{}; ///< keepalive=2s: of connections.

    bool operator==(const monasca_switches&) const = default;
};

// `gzip=accept`, `kafka=down`, `slow=300ms`, …
// Returns: why not, in words; empty if `into` was changed.
std::string read_switch(std::string_view text, monasca_switches& into);

} // namespace monarc::sink
