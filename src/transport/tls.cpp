#include "transport/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <mutex>
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

// OpenSSL would tidy up at exit, while an exporter of the process may still be sending.
void start_library() {
    static std::once_flag once;
    std::call_once(once, [] { ::OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr); });
}

// The reason on top of OpenSSL's stack, which is emptied.
std::string last_reason(std::string_view otherwise = "not PEM, or damaged") {
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

// Of a file that could not be opened the first error says why, the later ones only that.
std::string file_reason() {
    const auto first = ::ERR_peek_error();
    if (!ERR_SYSTEM_ERROR(first)) {
        return last_reason();
    }
    ::ERR_clear_error();
    return std::system_category().message(ERR_GET_REASON(first));
}

// Instead of OpenSSL's own, which asks on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

// Returns: why not.
std::string load_own(SSL_CTX* context, const tls_options& options) {
    if (options.cert_file.empty()) {
        return options.key_file.empty() ? "" : "key_file needs cert_file, which is empty";
    }
    if (::SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
        return fmt::format("cert_file {}: {}", options.cert_file, file_reason());
    }
    const bool is_apart = !options.key_file.empty();
    const auto& key = is_apart ? options.key_file : options.cert_file;
    if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fmt::format("{} {}: {}", is_apart ? "key_file" : "cert_file", key, file_reason());
    }
    if (::SSL_CTX_check_private_key(context) != 1) {
        return fmt::format("key_file {}: {}", key, last_reason());
    }
    return {};
}

// Returns: why not.
std::string load_trusted(SSL_CTX* context, const tls_options& options) {
    if (!options.verify) {
        ::SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return {};
    }
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (options.ca_file.empty()) {
        return ::SSL_CTX_set_default_verify_paths(context) == 1
                   ? ""
                   : fmt::format("the system's certificates: {}", file_reason());
    }
    return ::SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1
               ? ""
               : fmt::format("ca_file {}: {}", options.ca_file, file_reason());
}

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

void tls_context::freed::operator()(ssl_ctx_st* context) const noexcept {
    ::SSL_CTX_free(context);
}

tls_context::tls_context() = default;
tls_context::~tls_context() = default;

std::string tls_context::load(const tls_options& options) {
    start_library();
    ::ERR_clear_error();
    std::unique_ptr<ssl_ctx_st, freed> fresh(::SSL_CTX_new(::TLS_client_method()));
    if (!fresh) {
        return last_reason();
    }
    auto* const context = fresh.get();
    ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    // D-12.2.
    ::SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        ::SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
        return last_reason();
    }
    if (auto wrong = load_trusted(context, options); !wrong.empty()) {
        return wrong;
    }
    if (auto wrong = load_own(context, options); !wrong.empty()) {
        return wrong;
    }
    context_ = std::move(fresh);
    verifies_ = options.verify;
    return {};
}

void tls_session::freed::operator()(ssl_st* ssl) const noexcept {
    ::SSL_free(ssl);
}

tls_session::tls_session(const tls_context& context, const std::string& host)
    : ssl_(::SSL_new(context.context_.get())) {
    auto* const in = ::BIO_new(::BIO_s_mem());
    auto* const out = ::BIO_new(::BIO_s_mem());
    if (!ssl_ || in == nullptr || out == nullptr) {
        ::BIO_free(in);
        ::BIO_free(out);
        throw std::bad_alloc();
    }
    ::SSL_set_bio(ssl_.get(), in, out); // owns both
    if (!set_host(ssl_.get(), host, context.verifies_)) {
        unverifiable_ = fmt::format("no certificate can be held against the name \"{}\"", host);
    }
    ::SSL_set_connect_state(ssl_.get());
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
    return fail(kind, last_reason(make_error_code(kind).message()));
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
