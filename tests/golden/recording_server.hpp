#pragma once

// The receiver of the recordings: takes connections on the loopback, keeps every byte and answers
// nothing. One thread of its own; it knows nothing of the client.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace monarc::golden {

struct tls_identity; // of tls_identity.hpp

class recording_server {
public:
    // With an identity it speaks TLS, and keeps what was inside.
    recording_server(bool listens, const tls_identity* identity);
    recording_server(const recording_server&) = delete;
    recording_server& operator=(const recording_server&) = delete;
    ~recording_server();

    // The same one whenever it listens.
    std::uint16_t port() const noexcept { return port_; }

    bool is_listening();
    void start_listening();
    void stop_listening(); // and drops connections
    void drop_connections();
    void read_on(bool reads);

    struct connection {
        std::string bytes;
        std::string server_name; // that a TLS client asked for
        bool has_failed_handshake = false;
    };
    // Of all connections, in the order in which they came.
    std::vector<connection> seen();

    // Waits until nothing has come for a moment and the client has closed; at most `timeout`.
    void wait_until_quiet(std::chrono::milliseconds timeout);

private:
    struct peer;

    void run();
    void accept_one();
    void take_all();
    bool read_from(peer& one);
    void on_own_thread(std::function<void()> work);
    void close_all();

    std::uint16_t port_ = 0;
    const tls_identity* identity_;
    int listening_ = -1;
    int wake_ = -1;
    bool reads_ = true;
    std::atomic<bool> is_stopping_{false};
    std::mutex lock_;
    std::vector<std::function<void()>> work_;
    std::vector<std::unique_ptr<peer>> peers_;
    std::thread thread_;
};

} // namespace monarc::golden
