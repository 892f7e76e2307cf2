#include "golden/tls_identity.hpp"

#include "support/certificates.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

namespace monarc::golden {

tls_identity::tls_identity(const std::string& name, bool is_trusted, const std::string& folder) {
    const support::certificate_authority trusted("trusted");
    const support::certificate_authority other("other");
    std::ofstream(folder + "/ca.pem") << trusted.certificate();
    const auto& by = is_trusted ? trusted : other;
    const auto issued = by.issue({.name = name, .hosts = {name}});
    const auto both = folder + "/server.pem";
    std::ofstream(both) << issued.certificate << issued.key;
    context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_file(context, both.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, both.c_str(), SSL_FILETYPE_PEM) != 1) {
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
