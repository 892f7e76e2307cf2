#include "auth/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace monarc::auth {

using transport::reach;

namespace {

constexpr std::size_t max_shown_bytes = 200;

const keystone_endpoint*
find_wanted(const std::vector<keystone_service>& catalogue, const wanted_service& wanted) {
    const auto* const found =
        find_endpoint(catalogue, wanted.type, wanted.interface, wanted.region);
    if (found != nullptr) {
        return found;
    }
    for (const auto& service : catalogue) {
        if (service.name == wanted.name) {
            return find_endpoint({&service, 1}, service.type, wanted.interface, wanted.region);
        }
    }
    return nullptr;
}

// Why the token must not go there; empty: it may.
std::string why_not(
    const transport::http_url& to,
    const transport::http_url& identity,
    const endpoint_rules& rules) {
    const auto near = transport::reach_of(to.host);
    if (near != reach::elsewhere && near != transport::reach_of(identity.host)) {
        return near == reach::loopback ? "it is of this machine alone, and Keystone is not"
                                       : "it is a link-local address, and Keystone's is not";
    }
    if (to.is_tls) {
        return {};
    }
    if (identity.is_tls && !rules.trusts_catalogue) {
        return "it is plain http, and Keystone is https; monasca.catalogue = trust would take it";
    }
    if (near != reach::loopback && !rules.allows_plain_credentials) {
        return "it is plain http to another machine; tls.allow_plain_credentials would take it";
    }
    return {};
}

} // namespace

chosen_endpoint choose_endpoint(
    const std::vector<keystone_service>& catalogue,
    const wanted_service& wanted,
    const transport::http_url& identity,
    const endpoint_rules& rules) {
    chosen_endpoint chosen;
    const auto* const found = find_wanted(catalogue, wanted);
    if (found == nullptr) {
        chosen.why = fmt::format(
            "the catalogue names no {} endpoint of type {}{}; set monasca.url",
            wanted.interface,
            wanted.type,
            wanted.region.empty() ? "" : " in region " + wanted.region);
        return chosen;
    }
    auto url = transport::parse_http_url(found->url);
    if (!url) { // it may hold a password
        chosen.why = "the catalogue's address is no http:// or https:// address without user "
                     "information and query; set monasca.url";
        return chosen;
    }
    if (const auto why = why_not(*url, identity, rules); !why.empty()) {
        chosen.why = fmt::format(
            "the catalogue's address {} is not used: {}",
            url->text().substr(0, max_shown_bytes),
            why);
        return chosen;
    }
    chosen.url = std::move(*url);
    return chosen;
}

} // namespace monarc::auth
