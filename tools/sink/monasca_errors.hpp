#pragma once

// How Monasca says no. Pure.

#include "sink/http_message.hpp"
#include "sink/monasca_metrics.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::sink {

http_response json_response(int status, std::string body);
// A short page, as servers in front of Monasca give it.
http_response html_response(int status, std::string_view title, std::string_view text);

// JSON, XML or nothing, as the field Accept asks.
http_response to_response(const monasca_error& error, const http_request& request);

// What gunicorn says by itself to a header field beyond 8190 bytes.
bool has_long_field(const http_request& request) noexcept;
http_response long_field_response();

// What Keystone's middleware answers where there is no good token, and where it cannot ask.
http_response no_token_response();
http_response no_keystone_response();
// What Monasca answers to a token without the role.
http_response no_role_response(const http_request& request);

// What gunicorn says where the API fails: Kafka's queue is full, or its producer is lost.
http_response broken_response();

// The same answer as the Java API gives it, in a form of its own.
http_response to_java(const monasca_error& error, std::uint64_t number);

} // namespace monarc::sink
