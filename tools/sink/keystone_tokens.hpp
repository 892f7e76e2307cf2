#pragma once

// The tokens that the sink's Keystone gave out: who they are, how long they live. Pure.

#include "sink/keystone_directory.hpp"
#include "sink/keystone_login.hpp"
#include "sink/seeded_ids.hpp"
#include "sink/token_facts.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

struct keystone_token {
    std::string id{};         ///< What X-Auth-Token carries.
    keystone_account owner{}; ///< Without a project: the token has no scope.
    std::vector<std::string> methods{};
    std::vector<std::string> audit_ids{};
    std::int64_t issued_at = 0; ///< Milliseconds, like the next.
    std::int64_t expires_at = 0;
};

// Threads: one at a time.
class keystone_tokens {
public:
    keystone_tokens(std::vector<keystone_account> accounts, std::uint64_t seed)
        : accounts_(std::move(accounts)), ids_(seed) {}

    // Fails: throws keystone_refusal. A login with a token keeps its expiry.
    const keystone_token&
    issue(const keystone_login& login, std::int64_t now, std::int64_t life_milliseconds);

    // Null: unknown, expired or revoked.
    const keystone_token* find(std::string_view id, std::int64_t now) const;

    bool revoke(std::string_view id); ///< Returns: whether there was such a token.
    void revoke_all();

    std::size_t size() const noexcept { return tokens_.size(); }

    // From now on, also for tokens that are out.
    void set_roles(std::string_view user, const std::vector<std::string>& roles);

    const std::vector<keystone_account>& accounts() const noexcept { return accounts_; }
    token_facts facts_of(const keystone_token& token) const;

private:
    const keystone_account& log_in(const keystone_login& login, const keystone_token* parent) const;
    keystone_token& add(keystone_token token);

    // Beyond it the oldest is forgotten.
    static constexpr std::size_t max_tokens = std::size_t{64} << 10;

    std::vector<keystone_account> accounts_;
    seeded_ids ids_;
    std::map<std::string, keystone_token, std::less<>> tokens_;
    std::deque<std::string> order_; // the oldest is at the front; some are gone already
};

} // namespace monarc::sink
