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
};

// An absolute URL (RFC 3986) of scheme http or https without user information, query or fragment.
// Fails: errc::bad_options.
result<http_url> parse_http_url(std::string_view text);

} // namespace monarc::transport
