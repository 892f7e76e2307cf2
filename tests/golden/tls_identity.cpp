#include "golden/tls_identity.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace monarc::golden {
namespace {

template <auto Free>
struct freeing {
    template <class T>
    void operator()(T* what) const {
        Free(what);
    }
};
using owned_key = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;
using owned_certificate = std::unique_ptr<X509, freeing<X509_free>>;

void add_extension(X509* to, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    if (extension == nullptr || X509_add_ext(to, extension, -1) != 1) {
        throw std::runtime_error("tls_identity: an extension is refused: " + value);
    }
    X509_EXTENSION_free(extension);
}

// Valid from yesterday, for a week: the clock of the machine counts, not that of the recording.
owned_certificate
make_certificate(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* issuer_key) {
    owned_certificate made(X509_new());
    constexpr long day = 24L * 60 * 60;
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -day);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 7 * day);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made.get()),
        "CN",
        MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.c_str()),
        -1,
        -1,
        0);
    auto* const signer = issuer != nullptr ? issuer : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
    add_extension(
        made.get(),
        signer,
        NID_basic_constraints,
        issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    if (issuer != nullptr) {
        add_extension(made.get(), signer, NID_subject_alt_name, "DNS:" + name);
    }
    if (X509_sign(made.get(), issuer_key, EVP_sha256()) == 0) {
        throw std::runtime_error("tls_identity: a certificate cannot be signed");
    }
    return made;
}

struct authority {
    owned_key key{EVP_EC_gen("P-256")};
    owned_certificate certificate{
        make_certificate(key.get(), "authority of the recordings", nullptr, key.get())};
};

} // namespace

tls_identity::tls_identity(const std::string& name, bool is_trusted, const std::string& ca_file) {
    const authority trusted;
    const authority other;
    auto* const file = std::fopen(ca_file.c_str(), "w");
    if (file == nullptr || PEM_write_X509(file, trusted.certificate.get()) != 1 ||
        std::fclose(file) != 0) {
        throw std::runtime_error("tls_identity: cannot write " + ca_file);
    }
    const auto& by = is_trusted ? trusted : other;
    const owned_key key(EVP_EC_gen("P-256"));
    const auto certificate = make_certificate(key.get(), name, by.certificate.get(), by.key.get());
    context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        throw std::runtime_error("tls_identity: the certificate is refused");
    }
}

tls_identity::~tls_identity() {
    SSL_CTX_free(context);
}

tls_session::tls_session(const tls_identity& identity, int fd) : ssl_(SSL_new(identity.context)) {
    SSL_set_fd(ssl_, fd);
    SSL_set_accept_state(ssl_);
}

tls_session::~tls_session() {
    SSL_free(ssl_);
}

ssize_t tls_session::read(char* to, std::size_t bytes) {
    ERR_clear_error();
    const auto got = SSL_read(ssl_, to, static_cast<int>(bytes));
    if (const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) {
        server_name_ = name;
    }
    if (got > 0) {
        return got;
    }
    switch (SSL_get_error(ssl_, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
    }
}

bool tls_session::is_open() const {
    return SSL_is_init_finished(ssl_) == 1;
}

std::string tls_session::server_name() const {
    return server_name_;
}

} // namespace monarc::golden
