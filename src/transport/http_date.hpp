#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string_view>

namespace monarc::transport {

// Seconds since 1970 of an IMF-fixdate (RFC 9110 section 5.6.7). Fails: errc::bad_data.
result<std::int64_t> read_http_date(std::string_view text);

} // namespace monarc::transport
