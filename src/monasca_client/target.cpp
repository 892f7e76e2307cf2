#include "monasca_client/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace monarc::monasca_client {
namespace {

bool is_unreserved(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '~';
}

void put_percent(std::string& out, char c) {
    fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
}

bool is_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

} // namespace

std::string encoded_query(const monasca::ordered_pairs& query) {
    std::string out;
    const auto put = [&](std::string_view text) {
        for (const char c : text) {
            if (is_unreserved(c)) {
                out += c;
            } else if (c == ' ') {
                out += '+';
            } else {
                put_percent(out, c);
            }
        }
    };
    for (const auto& [key, value] : query) {
        out += out.empty() ? "" : "&";
        put(key);
        out += '=';
        put(value);
    }
    return out;
}

std::string encoded_path(std::string_view path) {
    constexpr std::string_view kept = "/?:@!$&'()*+,;=[]";
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        const bool is_escape =
            c == '%' && i + 2 < path.size() && is_hex(path[i + 1]) && is_hex(path[i + 2]);
        if (is_unreserved(c) || is_escape || kept.find(c) != kept.npos) {
            out += c;
        } else {
            put_percent(out, c);
        }
    }
    return out;
}

bool is_redirect(unsigned status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 305 || status == 307 ||
           status == 308;
}

std::string redirected_target(
    const std::string& told, const transport::http_url& origin, std::string_view from) {
    const auto location = told.substr(0, told.find('#')); // a fragment is never sent
    if (location.starts_with('/') && !location.starts_with("//")) {
        return encoded_path(location);
    }
    const auto end = std::min(location.find('?'), location.size());
    const auto to = transport::parse_http_url(location.substr(0, end));
    if (to) {
        const bool is_same =
            to->is_tls == origin.is_tls && to->host == origin.host && to->port == origin.port;
        const auto path = location.find('/', location.find("//") + 2);
        return !is_same ? "" : path == location.npos ? "/" : encoded_path(location.substr(path));
    }
    if (location.empty() || location.starts_with("//") || location.find(':') < location.find('/')) {
        return {};
    }
    const auto folder = from.substr(0, from.find('?'));
    return std::string(folder.substr(0, folder.rfind('/') + 1)) + encoded_path(location);
}

} // namespace monarc::monasca_client
