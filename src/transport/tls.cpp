#include "transport/tls.hpp"

#include "transport/openssl_facts.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <new>
#include <utility>

namespace monarc::transport {
namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "tls"; }

    std::string message(int value) const override {
        switch (static_cast<tls_errc>(value)) {
        case tls_errc::bad_certificate: return "the peer's certificate is not good";
        case tls_errc::no_agreement: return "no agreement on protocol or cipher";
        case tls_errc::refused: return "the peer refused the connection";
        case tls_errc::cut_off: return "the stream ended without close-notify";
        case tls_errc::damaged: return "the stream is damaged";
        }
        return "unknown error " + std::to_string(value);
    }
};

// Returns: false if a certificate could not be held against it; then nobody must be talked to.
bool set_host(SSL* ssl, const std::string& host, bool verifies) {
    boost::system::error_code is_name;
    const auto address = boost::asio::ip::make_address(host, is_name);
    if (is_name) {
        SSL_set_tlsext_host_name(ssl, host.c_str());
    }
    if (!verifies) {
        return true;
    }
    auto* const wanted = ::SSL_get0_param(ssl);
    // The subject's common name is no place for a host's (RFC 6125).
    ::X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_name) { // OpenSSL takes an empty one for "whoever it is"
        return !host.empty() &&
               ::X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1;
    }
    if (address.is_v4()) {
        const auto bytes = address.to_v4().to_bytes();
        return ::X509_VERIFY_PARAM_set1_ip(wanted, bytes.data(), bytes.size()) == 1;
    }
    const auto bytes = address.to_v6().to_bytes(); // without a zone, which no certificate has
    return ::X509_VERIFY_PARAM_set1_ip(wanted, bytes.data(), bytes.size()) == 1;
}

// Reasons from SSL_AD_REASON_OFFSET on are alerts that were received.
tls_errc kind_of(unsigned long code, bool is_in_handshake) noexcept {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET) {
        return ERR_GET_REASON(code) == SSL_R_TLSV1_ALERT_INTERNAL_ERROR ? tls_errc::damaged
                                                                        : tls_errc::refused;
    }
    return is_in_handshake ? tls_errc::no_agreement : tls_errc::damaged;
}

} // namespace

const std::error_category& tls_category() noexcept {
    static const category instance;
    return instance;
}

std::error_code make_error_code(tls_errc code) noexcept {
    return {static_cast<int>(code), tls_category()};
}

bool is_tls_refusal(std::error_code ec) noexcept {
    return ec == tls_errc::bad_certificate || ec == tls_errc::no_agreement ||
           ec == tls_errc::refused;
}

void tls_session::freed::operator()(ssl_st* ssl) const noexcept {
    ::SSL_free(ssl);
}

void tls_session::begin() {
    auto* const in = ::BIO_new(::BIO_s_mem());
    auto* const out = ::BIO_new(::BIO_s_mem());
    if (!ssl_ || in == nullptr || out == nullptr) {
        ::BIO_free(in);
        ::BIO_free(out);
        throw std::bad_alloc();
    }
    ::SSL_set_bio(ssl_.get(), in, out); // owns both
}

tls_session::tls_session(const tls_context& context, const std::string& host)
    : ssl_(::SSL_new(context.context_.get())) {
    begin();
    if (!set_host(ssl_.get(), host, context.verifies_)) {
        unverifiable_ = fmt::format("no certificate can be held against the name \"{}\"", host);
    }
    ::SSL_set_connect_state(ssl_.get());
}

tls_session::tls_session(const tls_context& context) : ssl_(::SSL_new(context.context_.get())) {
    begin();
    ::SSL_set_accept_state(ssl_.get());
}

tls_session::~tls_session() = default;

tls_session::progress tls_session::fail(tls_errc why, std::string what) {
    error_ = why;
    what_ = std::move(what);
    return progress::failed;
}

tls_session::progress tls_session::handshake() {
    if (!unverifiable_.empty()) {
        return fail(tls_errc::bad_certificate, unverifiable_);
    }
    ::ERR_clear_error();
    return judge(::SSL_do_handshake(ssl_.get()));
}

tls_session::progress tls_session::write(std::string_view bytes) {
    if (bytes.empty()) {
        return progress::done; // OpenSSL takes it for an error
    }
    ::ERR_clear_error();
    std::size_t written = 0; // all of it: the output has no bound
    const auto now = judge(::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written));
    if (now == progress::done || now == progress::failed) {
        return now;
    }
    // In the middle of a message of the peer's to TLS itself, such as a ticket in pieces.
    return fail(tls_errc::damaged, "the peer has not ended what it says to TLS");
}

tls_session::progress tls_session::read(char* to, std::size_t bytes, std::size_t& got) {
    ::ERR_clear_error();
    return judge(::SSL_read_ex(ssl_.get(), to, bytes, &got));
}

tls_session::progress tls_session::judge(int returned) {
    if (returned == 1) {
        return progress::done;
    }
    switch (::SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ: return progress::wants_input;
    case SSL_ERROR_ZERO_RETURN: return progress::closed;
    default: break;
    }
    const auto code = ::ERR_peek_last_error();
    const auto verified = ::SSL_get_verify_result(ssl_.get());
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK) {
        ::ERR_clear_error();
        return fail(
            tls_errc::bad_certificate,
            fmt::format("certificate: {}", ::X509_verify_cert_error_string(verified)));
    }
    const auto kind = kind_of(code, ::SSL_is_init_finished(ssl_.get()) == 0);
    auto what = last_reason(make_error_code(kind).message());
    if (kind == tls_errc::no_agreement && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
        what += ": the peer speaks no TLS";
    }
    return fail(kind, std::move(what));
}

unsigned tls_session::version() const noexcept {
    switch (::SSL_version(ssl_.get())) {
    case TLS1_2_VERSION: return 12;
    case TLS1_3_VERSION: return 13;
    default: return 0;
    }
}

std::optional<std::int64_t> tls_session::peer_end() const noexcept {
    return end_of(::SSL_get0_peer_certificate(ssl_.get()));
}

void tls_session::say_good_bye() noexcept {
    ::ERR_clear_error();
    ::SSL_shutdown(ssl_.get());
    ::ERR_clear_error();
}

void tls_session::feed(std::string_view bytes) {
    ::BIO_write(::SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
}

void tls_session::take_output(std::string& to) {
    auto* const out = ::SSL_get_wbio(ssl_.get());
    const auto pending = ::BIO_ctrl_pending(out);
    if (pending == 0) {
        return;
    }
    const auto before = to.size();
    to.resize(before + pending);
    const int got = ::BIO_read(out, to.data() + before, static_cast<int>(pending));
    to.resize(before + static_cast<std::size_t>(std::max(got, 0)));
}

} // namespace monarc::transport
