#include "transport/url.hpp"

#include <monarc/error.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace monarc::transport {

std::string http_url::text() const {
    return fmt::format("{}://{}{}", is_tls ? "https" : "http", authority, path);
}

reach reach_of(const std::string& host) noexcept {
    namespace ip = boost::asio::ip;
    boost::system::error_code no_digits;
    auto address = ip::make_address(host.c_str(), no_digits);
    if (no_digits) {
        return host == "localhost" ? reach::loopback : reach::elsewhere;
    }
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
    }
    if (address.is_loopback() || address.is_unspecified()) { // 0.0.0.0 is this machine, too
        return reach::loopback;
    }
    const bool is_link_local = address.is_v4()
                                   ? (address.to_v4().to_uint() >> 16) == 0xa9fe // 169.254/16
                                   : address.to_v6().is_link_local();
    return is_link_local ? reach::link_local : reach::elsewhere;
}

namespace {

// Scheme, host, port and path of what was parsed.
result<http_url> parts_of(const boost::urls::url_view& view) {
    const auto* const parsed = &view;
    if (parsed->has_userinfo() || parsed->has_fragment() || parsed->host().empty()) {
        return errc::bad_options;
    }
    // Names of hosts need no escapes, and what stands behind one may be a line break.
    if (parsed->encoded_host().find('%') != boost::urls::string_view::npos) {
        return errc::bad_options;
    }
    http_url url;
    const auto scheme = parsed->scheme_id();
    if (scheme != boost::urls::scheme::http && scheme != boost::urls::scheme::https) {
        return errc::bad_options;
    }
    url.is_tls = scheme == boost::urls::scheme::https;
    url.host = parsed->host_address();
    url.port = url.is_tls ? 443 : 80;
    if (parsed->has_port() && !parsed->port().empty()) {
        url.port = parsed->port_number();
        if (url.port == 0) {
            return errc::bad_options;
        }
    }
    const auto authority = parsed->encoded_host_and_port();
    url.authority.assign(authority.data(), authority.size());
    const auto path = parsed->encoded_path();
    url.path.assign(path.data(), path.size());
    // Boost.URL 1.81 takes what stands behind the digits of a port for a path.
    if (!url.path.empty() && !url.path.starts_with('/')) {
        return errc::bad_options;
    }
    return url;
}

result<boost::urls::url_view> parsed(std::string_view text) {
    // Boost.URL 1.81 aborts at some texts without an authority, such as `v:?`.
    const auto colon = text.find(':');
    if (colon == text.npos || !text.substr(colon).starts_with("://")) {
        return errc::bad_options;
    }
    const auto view = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (!view) {
        return errc::bad_options;
    }
    return *view;
}

} // namespace

result<http_url> parse_http_url(std::string_view text) {
    const auto view = parsed(text);
    if (!view || view->has_query()) {
        return errc::bad_options;
    }
    auto url = parts_of(*view);
    while (url && url->path.ends_with('/')) {
        url->path.pop_back();
    }
    return url;
}

result<http_url> parse_http_target(std::string_view text) {
    const auto view = parsed(text);
    if (!view) {
        return errc::bad_options;
    }
    auto url = parts_of(*view);
    if (url) {
        url->path += url->path.empty() ? "/" : "";
        if (view->has_query()) {
            const auto query = view->encoded_query();
            url->path += '?';
            url->path.append(query.data(), query.size());
        }
    }
    return url;
}

} // namespace monarc::transport
