#pragma once

// What OpenSSL tells of a failure and of a certificate. For the .cpp files of TLS only.

#include <openssl/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::transport {

// The reason on top of OpenSSL's stack, which is emptied.
std::string last_reason(std::string_view otherwise = "not PEM, or damaged");

// When a certificate ends, in seconds since 1970. Null: never, there is none.
std::optional<std::int64_t> end_of(const X509* certificate) noexcept;

} // namespace monarc::transport
