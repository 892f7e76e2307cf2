#pragma once

// Makes the I/O thread of an exporter stand still, so that its queue stays full: the log callback
// runs there and does not return. What is logged is that nobody listens at deaf_port().

#include <monarc/options.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <thread>

namespace support {

class io_brake {
public:
    monarc::log_function log() {
        return [this](const monarc::log_line& line) {
            if (line.level < monarc::log_level::warning) {
                return;
            }
            stands_ = shall_stand_.load();
            while (shall_stand_) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            stands_ = false;
        };
    }

    // `push_one` pushes the record that cannot be sent. Returns when the thread stands.
    template <class Push>
    void pull(Push push_one) {
        shall_stand_ = true;
        push_one();
        while (!stands_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    void release() noexcept { shall_stand_ = false; }

private:
    std::atomic<bool> shall_stand_{false};
    std::atomic<bool> stands_{false};
};

// A port of the loopback that refuses connections. The socket stays open, so that nobody else gets
// the port.
inline std::uint16_t deaf_port() {
    static const std::uint16_t port = [] {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof address;
        auto* const name = reinterpret_cast<sockaddr*>(&address);
        if (fd < 0 || ::bind(fd, name, bytes) != 0 || ::getsockname(fd, name, &bytes) != 0) {
            throw std::system_error(errno, std::system_category(), "deaf port");
        }
        return ntohs(address.sin_port);
    }();
    return port;
}

} // namespace support
