#pragma once

// Keystone v3: a login to the body of its request, an answer to a token and its catalogue
// (monasca-api.md section 7, monasca-cli.md section 3). Pure.

#include "core/result.hpp"
#include "transport/http_answer.hpp"

#include <monarc/secret.hpp>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::auth {

// Where both are known the id counts.
struct keystone_domain {
    std::string id{};
    std::string name{};

    bool is_empty() const noexcept { return id.empty() && name.empty(); }
};

enum class keystone_method { password, token, application_credential };

// Who logs in, and for what. What a method does not need is not looked at.
struct keystone_login {
    keystone_method method = keystone_method::password;
    std::string user_id{};
    std::string user_name{};
    keystone_domain user_domain{};
    secret password{};
    secret token{};
    std::string credential_id{};
    std::string credential_name{};
    secret credential_secret{};

    // The first that is given is the scope; an application credential has its own.
    std::string project_id{};
    std::string project_name{};
    keystone_domain project_domain{};
    keystone_domain domain{};
    std::string trust_id{};
    bool is_for_system = false;
};

// The body of POST …/auth/tokens.
secret login_body(const keystone_login& login);
// The same for people to read: stars for what is secret.
std::string shown_login_body(const keystone_login& login);

struct keystone_endpoint {
    std::string interface;
    std::string region;
    std::string url;
};

struct keystone_service {
    std::string type;
    std::string name;
    std::vector<keystone_endpoint> endpoints{};
};

struct keystone_token {
    secret token{};
    std::chrono::seconds life{0}; // from issued_at to expires_at; 0: not said
    std::string project_id{};
    std::vector<std::string> roles{}; // their names
    std::vector<keystone_service> catalogue{};
};

// Of a 2xx. Fails: errc::bad_data if it holds no token, errc::too_large if that is longer than
// servers take.
result<keystone_token> read_token(const transport::http_answer& answer);
constexpr std::size_t max_token_bytes = 8000;

// What the body of an error says; empty if it says nothing that we understand.
std::string error_message(std::string_view body);

// The base URL of the newest v3 that a version document names. Fails: errc::bad_data.
result<std::string> newest_v3(std::string_view body);

// Any region if `region` is empty. Null: there is none.
const keystone_endpoint* find_endpoint(
    std::span<const keystone_service> catalogue,
    std::string_view type,
    std::string_view interface,
    std::string_view region) noexcept;

} // namespace monarc::auth
