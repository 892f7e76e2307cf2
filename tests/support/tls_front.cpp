#include "support/tls_front.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace monarc::support {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// Small pieces go on at once.
void set_no_delay(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void check(bool is_done, const char* what) {
    if (!is_done) {
        throw std::system_error(errno, std::system_category(), what);
    }
}

X509* read_certificate(const std::string& pem) {
    BIO* const in = ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* const read = ::PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    ::BIO_free(in);
    check(read != nullptr, "certificate");
    return read;
}

std::string common_name(X509* certificate) {
    std::array<char, 100> name{};
    if (certificate != nullptr) {
        ::X509_NAME_get_text_by_NID(
            ::X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
    }
    return name.data();
}

std::shared_ptr<ssl_ctx_st> make_context(const tls_front_settings& settings) {
    std::shared_ptr<ssl_ctx_st> made(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
    if (settings.version != 0) {
        ::SSL_CTX_set_security_level(made.get(), 0); // else old versions are none at all
        ::SSL_CTX_set_cipher_list(made.get(), "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(made.get(), settings.version);
        SSL_CTX_set_max_proto_version(made.get(), settings.version);
    }
    X509* const own = read_certificate(settings.own.certificate);
    ::SSL_CTX_use_certificate(made.get(), own);
    ::X509_free(own);
    BIO* const in =
        ::BIO_new_mem_buf(settings.own.key.data(), static_cast<int>(settings.own.key.size()));
    EVP_PKEY* const key = ::PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    ::BIO_free(in);
    check(::SSL_CTX_use_PrivateKey(made.get(), key) == 1, "key");
    ::EVP_PKEY_free(key);
    if (!settings.client_authority.empty()) {
        X509* const authority = read_certificate(settings.client_authority);
        ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(made.get()), authority);
        ::X509_free(authority);
        ::SSL_CTX_set_verify(
            made.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return made;
}

} // namespace

tls_front::tls_front(std::uint16_t behind, const tls_front_settings& settings)
    : behind_(behind), settings_(settings), context_(make_context(settings)) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to sockets without asking for silence
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t bytes = sizeof address;
    check(
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), bytes) == 0 &&
            ::listen(listener_, 64) == 0 &&
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes) == 0,
        "listen");
    port_ = ntohs(address.sin_port);
    listening_ = std::thread([this] { listen(); });
}

tls_front::~tls_front() {
    is_stopped_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    listening_.join();
    ::close(listener_);
    {
        const std::lock_guard guard(lock_);
        for (const int one : open_) {
            ::shutdown(one, SHUT_RDWR);
        }
    }
    for (auto& one : serving_) {
        one.join();
    }
}

std::string tls_front::server_name() const {
    const std::lock_guard guard(lock_);
    return server_name_;
}

std::string tls_front::client_name() const {
    const std::lock_guard guard(lock_);
    return client_name_;
}

void tls_front::listen() {
    while (!is_stopped_) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) {
            continue;
        }
        ++connections_;
        remember(client);
        serving_.emplace_back([this, client] { serve(client); });
    }
}

void tls_front::remember(int descriptor) {
    const std::lock_guard guard(lock_);
    open_.push_back(descriptor);
    if (is_stopped_) {
        ::shutdown(descriptor, SHUT_RDWR);
    }
}

void tls_front::forget(int descriptor) {
    const std::lock_guard guard(lock_);
    std::erase(open_, descriptor);
    ::close(descriptor);
}

void tls_front::serve(int client) {
    SSL* const ssl = ::SSL_new(context_.get());
    ::SSL_set_fd(ssl, client);
    if (::SSL_accept(ssl) == 1) {
        ++handshakes_;
        {
            const std::lock_guard guard(lock_);
            const char* const name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
            server_name_ = name != nullptr ? name : "";
            client_name_ = common_name(::SSL_get0_peer_certificate(ssl));
        }
        const int behind = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        set_no_delay(client);
        set_no_delay(behind);
        remember(behind);
        const auto address = loopback(behind_);
        if (::connect(behind, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            relay(ssl, client, behind);
        }
        forget(behind);
    }
    ::ERR_clear_error();
    ::SSL_free(ssl);
    forget(client);
}

void tls_front::relay(ssl_st* with, int client, int behind) {
    std::array<char, 16 * 1024> buffer;
    while (!is_stopped_) {
        std::array<pollfd, 2> ready{{{client, POLLIN, 0}, {behind, POLLIN, 0}}};
        if (::SSL_pending(with) == 0 && ::poll(ready.data(), ready.size(), -1) < 0) {
            return;
        }
        if (::SSL_pending(with) != 0 || ready[0].revents != 0) {
            const int got = ::SSL_read(with, buffer.data(), buffer.size());
            if (got <= 0) {
                good_byes_ += (::SSL_get_shutdown(with) & SSL_RECEIVED_SHUTDOWN) != 0 ? 1 : 0;
                return;
            }
            bytes_received_ += static_cast<std::size_t>(got);
            if (::send(behind, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
                return;
            }
        }
        if (ready[1].revents != 0) {
            const auto got = ::recv(behind, buffer.data(), buffer.size(), 0);
            if (got <= 0) {
                if (settings_.says_good_bye) {
                    ::SSL_shutdown(with);
                }
                return;
            }
            if (::SSL_write(with, buffer.data(), static_cast<int>(got)) != got) {
                return;
            }
        }
    }
}

} // namespace monarc::support
