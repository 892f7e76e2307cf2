#pragma once

// Who a TLS server of a recording is, and its end of a connection.

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_st;
struct ssl_ctx_st;

namespace monarc::golden {

// An authority of the test's own and a certificate for one name.
struct tls_identity {
    // `folder`: where ca.pem of the trusted authority is written; an identity that is not trusted
    // is signed by another one.
    tls_identity(const std::string& name, bool is_trusted, const std::string& folder);
    tls_identity(const tls_identity&) = delete;
    tls_identity& operator=(const tls_identity&) = delete;
    ~tls_identity();

    ssl_ctx_st* context = nullptr;
};

class tls_session {
public:
    tls_session(const tls_identity& identity, int fd);
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;
    ~tls_session();

    // Like recv: 0 at the end, -1 with EAGAIN for "later", -1 otherwise.
    ssize_t read(char* to, std::size_t bytes);
    bool is_open() const; // the handshake is done
    std::string server_name() const;

private:
    ssl_st* ssl_ = nullptr;
    std::string server_name_;
};

} // namespace monarc::golden
