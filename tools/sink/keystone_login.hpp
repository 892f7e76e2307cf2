#pragma once

// The body of POST /v3/auth/tokens. Pure.

#include "sink/keystone_directory.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

// How Keystone says no; caught where requests are answered.
struct keystone_refusal : std::runtime_error {
    keystone_refusal(int its_status, const std::string& message)
        : std::runtime_error(message), status(its_status) {}

    int status;
};

// Who logs in is wrong, in whatever way: Keystone tells nobody which.
keystone_refusal not_authenticated();

struct keystone_login {
    std::vector<std::string> methods{}; ///< At least one, each known, its member present.

    keystone_reference user{}; ///< For a password, or for a credential's name.
    keystone_reference user_domain{};
    std::string password{};
    std::string token{};
    keystone_reference credential{};
    std::string secret{};

    enum class scopes { none, project, domain, other };
    scopes scope = scopes::none;
    keystone_reference project{};
    keystone_reference domain{}; ///< The project's, or the scope itself.
};

// Fails: throws keystone_refusal.
keystone_login read_login(std::string_view body);

} // namespace monarc::sink
