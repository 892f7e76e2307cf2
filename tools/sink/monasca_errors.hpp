#pragma once

// How Monasca says no. Pure.

#include "sink/http_message.hpp"
#include "sink/monasca_metrics.hpp"

namespace monarc::sink {

http_response json_response(int status, std::string body);

// JSON, XML or nothing, as the field Accept asks.
http_response to_response(const monasca_error& error, const http_request& request);

// What gunicorn says by itself to a header field beyond 8190 bytes.
bool has_long_field(const http_request& request) noexcept;
http_response long_field_response();

// What Keystone's middleware answers where there is no good token.
http_response no_token_response();
// What Monasca answers to a token without the role.
http_response no_role_response(const http_request& request);

} // namespace monarc::sink
