#pragma once

// What stands in the first line of a request (monasca-cli.md section 4). Pure.

#include "transport/url.hpp"

#include <monarc/monasca_client.hpp>

#include <string>
#include <string_view>

namespace monarc::monasca_client {

// As forms are encoded, without `?`.
std::string encoded_query(const monasca::ordered_pairs& query);

// What a URL may hold stays as it is, escapes included; the rest is escaped. So `/` and `?` in an
// id change the path, as they do in the original; `#` does not.
std::string encoded_path(std::string_view path);

bool is_redirect(unsigned status) noexcept;

// Where a redirect leads if it stays with scheme, host and port; else empty. `from`: the target
// that was asked.
std::string redirected_target(
    const std::string& location, const transport::http_url& origin, std::string_view from);

} // namespace monarc::monasca_client
