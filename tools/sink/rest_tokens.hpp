#pragma once

// Mona's token service as the sink offers it (mona-rest.md section 2): login, refresh, and the form
// of OpenID Connect. Pure: knows no socket and no clock.

#include "sink/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace monarc::sink {

struct rest_token_options {
    std::string secret{};                ///< Of any key; empty: every pair is taken.
    std::string tenant = "tenant";       ///< What the tokens say whose they are.
    std::chrono::seconds life{4 * 3600}; ///< Of a token.
    std::size_t max_tokens = 4096;       ///< Beyond it the oldest are forgotten.
};

struct rest_token_counts {
    std::uint64_t logins = 0;    ///< That got a token, OpenID Connect's included.
    std::uint64_t refreshes = 0; ///< That got a token.
    std::uint64_t refused = 0;   ///< Of both.
};

// Threads: one.
class rest_tokens {
public:
    explicit rest_tokens(rest_token_options wanted) : options_(std::move(wanted)) {}

    // Whether a path is one of the service's: it ends with /api-token, /api-token/token/refresh, or
    // /token.
    static bool is_for(std::string_view path) noexcept;

    http_response serve(const http_request& request, std::int64_t now_milliseconds);

    // unknown: none of ours.
    enum class standing { good, expired, unknown };
    standing of(std::string_view token, std::int64_t now_milliseconds) const;

    const rest_token_counts& counts() const noexcept { return counts_; }

private:
    struct issued {
        std::string token;
        std::string refresh;
    };

    http_response log_in(const http_request& request, std::int64_t now);
    http_response log_in_by_form(const http_request& request, std::int64_t now);
    http_response refresh(const http_request& request, std::int64_t now);
    http_response refused(int status, std::string_view body);
    http_response as_json(const issued& made, std::int64_t now) const;
    issued issue(std::int64_t now);
    bool is_secret(std::string_view secret) const noexcept;

    rest_token_options options_;
    rest_token_counts counts_;
    std::uint64_t number_ = 0;
    std::map<std::string, std::int64_t, std::less<>> expiries_; ///< By token, in milliseconds.
    std::map<std::uint64_t, issued> kept_;                      ///< By number: the oldest first.
    std::map<std::string, std::uint64_t, std::less<>> by_refresh_token_;
};

} // namespace monarc::sink
