#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::transport {

// Where an HTTP service is.
struct http_url {
    bool is_tls = false;
    std::string host; // a name or an address, without brackets
    std::uint16_t port = 0;
    std::string path;      // begins with `/` or is empty; no slash at its end
    std::string authority; // `host:port` as the Host header wants it

    // `scheme://authority/path`, for log lines.
    std::string text() const;

    // Scheme, host and port: what a token is bound to (D-11.6).
    bool is_same_origin(const http_url& other) const noexcept {
        return is_tls == other.is_tls && port == other.port && host == other.host;
    }
};

// What an address in digits reaches, and the name localhost; all other names are elsewhere.
enum class reach { elsewhere, link_local, loopback };
reach reach_of(const std::string& host) noexcept;

// An absolute URL (RFC 3986) of scheme http or https without user information, query or fragment.
// Fails: errc::bad_options.
result<http_url> parse_http_url(std::string_view text);

// The same with its path as given, at least `/`, and its query behind that.
result<http_url> parse_http_target(std::string_view text);

} // namespace monarc::transport
