#pragma once

// A TLS listener on loopback that hands what it decrypts to a plain one, and back: any receiver of
// the tests behind it speaks TLS.

#include "support/certificates.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace monarc::support {

struct tls_front_settings {
    issued_certificate own{};
    std::string client_authority{}; // PEM; empty: asks for no certificate
    int version = 0;                // the only one it speaks, as OpenSSL numbers it; 0: any
    bool says_good_bye = true;      // else it ends streams without close-notify
};

// Threads: any.
class tls_front {
public:
    tls_front(std::uint16_t behind, const tls_front_settings& settings);
    ~tls_front();
    tls_front(const tls_front&) = delete;
    tls_front& operator=(const tls_front&) = delete;

    std::uint16_t port() const noexcept { return port_; }

    std::size_t connections() const noexcept { return connections_; }
    std::size_t handshakes() const noexcept { return handshakes_; } // that came to an end
    std::size_t good_byes() const noexcept { return good_byes_; }   // close-notify of clients
    std::size_t bytes_received() const noexcept { return bytes_received_; } // decrypted
    std::string server_name() const; // the last one asked for
    std::string client_name() const; // in the last certificate that a client has shown

private:
    void listen();
    void serve(int client);
    void relay(ssl_st* with, int client, int behind);
    void remember(int descriptor);
    void forget(int descriptor);

    std::uint16_t behind_;
    tls_front_settings settings_;
    std::shared_ptr<ssl_ctx_st> context_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopped_{false};
    std::atomic<std::size_t> connections_{0};
    std::atomic<std::size_t> handshakes_{0};
    std::atomic<std::size_t> good_byes_{0};
    std::atomic<std::size_t> bytes_received_{0};

    mutable std::mutex lock_;
    std::string server_name_;
    std::string client_name_;
    std::vector<int> open_;
    std::vector<std::thread> serving_;
    std::thread listening_;
};

} // namespace monarc::support
