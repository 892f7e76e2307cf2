#pragma once

// A port of the loopback that stays ours while nobody listens on it: connects are refused, and no
// other program is given it.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace monarc::sink {

class held_port {
public:
    // Fails: throws std::system_error.
    held_port() {
        // A port that was asked for by its number stays ours while nobody listens on it.
        const int first = bind_to(0);
        port_ = port_of(first);
        ::close(first);
        socket_ = bind_to(port_);
    }
    ~held_port() { ::close(socket_); }
    held_port(const held_port&) = delete;
    held_port& operator=(const held_port&) = delete;

    std::uint16_t port() const noexcept { return port_; }

private:
    // Bound, never listening. Who listens there needs SO_REUSEADDR, and so does this.
    static int bind_to(std::uint16_t port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::system_error(errno, std::system_category(), "bind a port of the loopback");
        return fd;
    }

    static std::uint16_t port_of(int fd) {
        sockaddr_in address{};
        socklen_t bytes = sizeof address;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0)
            throw std::system_error(errno, std::system_category(), "getsockname");
        return ntohs(address.sin_port);
    }

    std::uint16_t port_ = 0;
    int socket_ = -1;
};

} // namespace monarc::sink
