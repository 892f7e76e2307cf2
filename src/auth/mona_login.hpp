#pragma once

// Mona's token service and OAuth client credentials: what is asked, and what an answer says
// (mona-rest.md section 2). Pure.

#include "core/outcome.hpp"
#include "core/result.hpp"
#include "transport/http_answer.hpp"

#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::auth {

// The login of mode mona or oidc, as a whole HTTP body; its type is login_content_type.
secret mona_login_body(const mona_rest_options& options);
secret mona_refresh_body(const secret& refresh_token);
std::string_view login_content_type(mona_auth_mode mode) noexcept;

// Where tokens are had and replaced.
std::string login_url(const mona_rest_options& options);
std::string refresh_url(const mona_rest_options& options);

struct mona_token {
    secret access{};
    secret refresh{};                  // empty: none
    std::chrono::milliseconds life{0}; // 0: not said
    std::string tenant{};              // that the token names; empty: none
};

// What an answer came to.
struct mona_login_answer {
    std::optional<mona_token> token{};
    bool is_json = false; // else another attempt may help
    failure kind = failure::throttle;
    std::chrono::milliseconds retry_after{0}; // the service's own wish, within its bounds
    std::string why{}; // without a token; holds nothing that a token could be made of
};

mona_login_answer read_login_answer(const transport::http_answer& answer, mona_auth_mode mode);

// The member tenantId of the payload of a JSON web token, whose signature is Mona's business.
// Empty: it has none.
std::string tenant_of(std::string_view jwt);

} // namespace monarc::auth
