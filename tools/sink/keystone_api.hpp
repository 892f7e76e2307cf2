#pragma once

// Keystone's API v3 as the sink offers it: discovery, and the life of tokens. Knows no socket and
// no clock.

#include "sink/http_message.hpp"
#include "sink/keystone_directory.hpp"
#include "sink/keystone_summary.hpp"
#include "sink/token_facts.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

struct keystone_options {
    std::vector<keystone_account> accounts = default_accounts();
    std::chrono::milliseconds token_life{3'600'000};
    std::string region = "RegionOne";
    std::string monasca_url{}; ///< What the catalogue says, with /v2.0; empty: no such service.
    std::uint64_t seed = 0;    ///< Of tokens; 0: others in each run.
};

// Threads: any.
class keystone_api {
public:
    explicit keystone_api(keystone_options wanted);
    ~keystone_api();
    keystone_api(const keystone_api&) = delete;
    keystone_api& operator=(const keystone_api&) = delete;

    http_response serve(const http_request& request, std::int64_t now_milliseconds);

    // What Monasca's middleware is told; nothing: the token is not good.
    std::optional<token_facts> find_token(std::string_view token, std::int64_t now) const;

    void set_monasca_url(std::string url);
    void set_token_life(std::chrono::milliseconds life); ///< Of tokens from now on.
    void set_down(bool is_down);                         ///< Every request is answered 503.
    void revoke_all();
    // Of a user in all of its projects; tokens that are out lose and win them too.
    void set_roles(std::string_view user, const std::vector<std::string>& roles);

    // Without what the HTTP server counts.
    keystone_summary snapshot() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
