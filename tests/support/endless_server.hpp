#pragma once

// A server on loopback whose answers have no end: a head, then the same piece for as long as
// somebody reads it. One connection after the other, in a thread of its own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace monarc::support {

class endless_server {
public:
    endless_server(std::string head, std::string piece)
        : head_(std::move(head)), piece_(std::move(piece)),
          listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (listening_ < 0 || ::bind(listening_, generic, bytes) != 0 ||
            ::listen(listening_, 16) != 0 || ::getsockname(listening_, generic, &bytes) != 0) {
            throw std::system_error(errno, std::system_category(), "listen on the loopback");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~endless_server() {
        is_stopping_ = true;
        thread_.join();
        ::close(listening_);
    }
    endless_server(const endless_server&) = delete;
    endless_server& operator=(const endless_server&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::size_t ended() const noexcept { return ended_; }             // answers that nobody read on
    std::uint64_t most_bytes() const noexcept { return most_bytes_; } // that one of those took

private:
    static constexpr long look_every = 50; // milliseconds

    void run() {
        while (!is_stopping_) {
            pollfd wait{.fd = listening_, .events = POLLIN, .revents = 0};
            if (::poll(&wait, 1, static_cast<int>(look_every)) <= 0) {
                continue;
            }
            const int peer = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (peer >= 0) {
                serve(peer);
                ::close(peer);
            }
        }
    }

    void serve(int peer) {
        const timeval turn{.tv_sec = 0, .tv_usec = look_every * 1000L};
        ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &turn, sizeof turn);
        ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &turn, sizeof turn);
        std::string request(65'536, '\0');
        if (::recv(peer, request.data(), request.size(), 0) <= 0) {
            return;
        }
        std::uint64_t sent = 0;
        bool goes_on = send_all(peer, head_, sent);
        while (goes_on) {
            goes_on = send_all(peer, piece_, sent);
        }
        if (!is_stopping_) {
            most_bytes_ = std::max(most_bytes_.load(), sent);
            ++ended_;
        }
    }

    bool send_all(int peer, std::string_view text, std::uint64_t& sent) {
        while (!text.empty() && !is_stopping_) {
            const auto count = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
            if (count >= 0) {
                sent += static_cast<std::uint64_t>(count);
                text.remove_prefix(static_cast<std::size_t>(count));
            } else if (errno != EAGAIN && errno != EINTR) {
                return false;
            }
        }
        return !is_stopping_;
    }

    std::string head_;
    std::string piece_;
    int listening_;
    std::uint16_t port_ = 0;
    std::atomic<bool> is_stopping_{false};
    std::atomic<std::size_t> ended_{0};
    std::atomic<std::uint64_t> most_bytes_{0};
    std::thread thread_;
};

} // namespace monarc::support
