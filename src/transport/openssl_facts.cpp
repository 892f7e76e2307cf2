#include "transport/openssl_facts.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <ctime>
#include <system_error>

namespace monarc::transport {

std::string last_reason(std::string_view otherwise) {
    const auto code = ::ERR_peek_last_error();
    std::string text;
    if (ERR_SYSTEM_ERROR(code)) {
        text = std::system_category().message(ERR_GET_REASON(code));
    } else if (const char* const reason = ::ERR_reason_error_string(code)) {
        text = reason;
    } else {
        text = otherwise;
    }
    ::ERR_clear_error();
    return text;
}

std::optional<std::int64_t> end_of(const X509* certificate) noexcept {
    tm end{};
    if (certificate == nullptr || ::ASN1_TIME_to_tm(::X509_get0_notAfter(certificate), &end) != 1) {
        return std::nullopt;
    }
    return ::timegm(&end);
}

} // namespace monarc::transport
