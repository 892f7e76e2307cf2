#pragma once

// Which address of Keystone's catalogue is used, and whether it is believed (monasca-api.md section
// 7.1, delivery.md D-11.7). Pure.

#include "auth/keystone.hpp"
#include "transport/url.hpp"

#include <string>

namespace monarc::auth {

struct wanted_service {
    std::string type = "monitoring";
    std::string name = "monasca"; // where nothing has that type
    std::string interface = "public";
    std::string region{}; // empty: any
};

struct endpoint_rules {
    bool trusts_catalogue = false; // monasca.catalogue = trust: plain for a Keystone behind TLS
    bool allows_plain_credentials = false; // D-12.1
};

struct chosen_endpoint {
    transport::http_url url{};
    std::string why{}; // there is none that may be used; empty: there is
};

// `identity`: where the token is from.
chosen_endpoint choose_endpoint(
    const std::vector<keystone_service>& catalogue,
    const wanted_service& wanted,
    const transport::http_url& identity,
    const endpoint_rules& rules);

} // namespace monarc::auth
