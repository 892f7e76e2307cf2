#pragma once

// TLS by OpenSSL (D-12): one side of one connection as bytes in and bytes out. No sockets.

#include "core/result.hpp"
#include "transport/tls_context.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

struct ssl_st; // OpenSSL's own name, so that its headers stay out of ours

namespace monarc::transport {

enum class tls_errc {
    bad_certificate = 1, // unknown, expired, or of another host
    no_agreement,        // on protocol or cipher, or no TLS at all
    refused,             // by an alert of the peer
    cut_off,             // the stream ended without close-notify (D-12.6)
    damaged,             // a record that does not fit, or the peer's own trouble
};

const std::error_category& tls_category() noexcept;
std::error_code make_error_code(tls_errc code) noexcept;

// Whether it stays wrong until somebody changes something (D-5.10: class config).
bool is_tls_refusal(std::error_code ec) noexcept;

// One side of one connection.
class tls_session {
public:
    // The client's. `host`: the name or address in digits that the certificate must be of; a name
    // is sent as SNI. Throws std::bad_alloc.
    tls_session(const tls_context& context, const std::string& host);
    // The server's. Throws std::bad_alloc.
    explicit tls_session(const tls_context& context);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    enum class progress {
        done,
        wants_input, // feed(), then again
        closed,      // the peer has said good-bye
        failed,      // for good: error() and what()
    };

    progress handshake();
    // Encrypts all of it, or fails.
    progress write(std::string_view bytes);
    // done: `got` bytes, at least one, are at `to`.
    progress read(char* to, std::size_t bytes, std::size_t& got);
    void say_good_bye() noexcept;

    void feed(std::string_view bytes);
    // Appends what is to be sent: handshake, records, alerts.
    void take_output(std::string& to);

    std::error_code error() const noexcept { return error_; }
    const std::string& what() const noexcept { return what_; }

    // After the handshake: 12 for TLS 1.2, 13 for 1.3, and when the peer's certificate ends, in
    // seconds since 1970, if it has shown one.
    unsigned version() const noexcept;
    std::optional<std::int64_t> peer_end() const noexcept;

private:
    struct freed {
        void operator()(ssl_st* ssl) const noexcept;
    };

    void begin();
    progress judge(int returned);
    progress fail(tls_errc why, std::string what);

    std::unique_ptr<ssl_st, freed> ssl_;
    std::string unverifiable_; // the host, if no certificate can be held against it
    std::error_code error_;
    std::string what_;
};

} // namespace monarc::transport

template <>
struct std::is_error_code_enum<monarc::transport::tls_errc> : std::true_type {};
