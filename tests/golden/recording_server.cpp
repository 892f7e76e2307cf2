#include "golden/recording_server.hpp"

#include "golden/tls_identity.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <system_error>
#include <utility>

namespace monarc::golden {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

// A socket bound to a port of the loopback; 0: to a free one.
int bound_socket(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        fail("socket");
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("bind");
    }
    port = ntohs(address.sin_port);
    return fd;
}

} // namespace

struct recording_server::peer {
    int fd = -1;
    connection seen;
    std::unique_ptr<tls_session> tls;
};

recording_server::recording_server(bool listens, const tls_identity* identity)
    : identity_(identity), wake_(::eventfd(0, EFD_CLOEXEC)) {
    const int fd = bound_socket(port_);
    ::close(fd);
    thread_ = std::thread([this] { run(); });
    if (listens) {
        start_listening();
    }
}

recording_server::~recording_server() {
    is_stopping_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
    thread_.join();
    close_all();
    if (listening_ >= 0) {
        ::close(listening_);
    }
    ::close(wake_);
}

void recording_server::on_own_thread(std::function<void()> work) {
    std::promise<void> done;
    {
        const std::lock_guard hold(lock_);
        work_.push_back([&] {
            work();
            done.set_value();
        });
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
    done.get_future().wait();
}

bool recording_server::is_listening() {
    bool listens = false;
    on_own_thread([&] { listens = listening_ >= 0; });
    return listens;
}

void recording_server::start_listening() {
    on_own_thread([this] {
        if (listening_ < 0) {
            listening_ = bound_socket(port_);
            ::listen(listening_, 16);
        }
    });
}

void recording_server::stop_listening() {
    on_own_thread([this] {
        take_all();
        ::close(std::exchange(listening_, -1));
        close_all();
    });
}

void recording_server::drop_connections() {
    on_own_thread([this] {
        take_all();
        close_all();
    });
}

void recording_server::read_on(bool reads) {
    on_own_thread([this, reads] { reads_ = reads; });
}

// What has been sent has arrived: a reset would throw away what nobody has read.
void recording_server::take_all() {
    for (pollfd waiting{.fd = listening_, .events = POLLIN, .revents = 0};
         ::poll(&waiting, 1, 0) == 1 && waiting.revents == POLLIN;) {
        accept_one();
    }
    for (auto& one : peers_) {
        if (reads_ && one->fd >= 0) {
            read_from(*one);
        }
    }
}

// By a reset, as Fluentd does.
void recording_server::close_all() {
    for (auto& one : peers_) {
        if (one->fd >= 0) {
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            ::setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            one->tls.reset();
            ::close(std::exchange(one->fd, -1));
        }
    }
}

void recording_server::accept_one() {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    auto one = std::make_unique<peer>();
    one->fd = fd;
    if (identity_ != nullptr) {
        one->tls = std::make_unique<tls_session>(*identity_, fd);
    }
    const std::lock_guard hold(lock_);
    peers_.push_back(std::move(one));
}

// Returns: false when nothing more will come.
bool recording_server::read_from(peer& one) {
    std::array<char, 65536> buffer;
    while (true) {
        const auto got = one.tls != nullptr ? one.tls->read(buffer.data(), buffer.size())
                                            : ::recv(one.fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) {
            return true;
        }
        const std::lock_guard hold(lock_);
        if (one.tls != nullptr) {
            one.seen.server_name = one.tls->server_name();
            one.seen.has_failed_handshake = got < 0 && !one.tls->is_open();
        }
        if (got <= 0) {
            return false;
        }
        one.seen.bytes.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

void recording_server::run() {
    while (!is_stopping_) {
        std::vector<pollfd> all{{.fd = wake_, .events = POLLIN, .revents = 0}};
        all.push_back({.fd = listening_, .events = POLLIN, .revents = 0});
        for (const auto& one : peers_) {
            all.push_back({.fd = reads_ ? one->fd : -1, .events = POLLIN, .revents = 0});
        }
        ::poll(all.data(), all.size(), -1);
        if (all[0].revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const auto taken = ::read(wake_, &count, sizeof count);
        }
        for (std::size_t i = 2; i < all.size(); ++i) {
            auto& one = *peers_[i - 2];
            if (all[i].revents != 0 && !read_from(one)) {
                one.tls.reset();
                ::close(std::exchange(one.fd, -1));
            }
        }
        if (all[1].revents != 0) {
            accept_one();
        }
        std::vector<std::function<void()>> work;
        {
            const std::lock_guard hold(lock_);
            work.swap(work_);
        }
        for (auto& one : work) {
            one();
        }
    }
}

std::vector<recording_server::connection> recording_server::seen() {
    const std::lock_guard hold(lock_);
    std::vector<connection> all;
    for (const auto& one : peers_) {
        all.push_back(one->seen);
    }
    return all;
}

void recording_server::wait_until_quiet(std::chrono::milliseconds timeout) {
    const auto latest = std::chrono::steady_clock::now() + timeout;
    bool is_quiet = false;
    while (!is_quiet && std::chrono::steady_clock::now() < latest) {
        on_own_thread([&] {
            is_quiet = true;
            for (const auto& one : peers_) {
                is_quiet = is_quiet && one->fd < 0;
            }
        });
        if (!is_quiet) {
            std::this_thread::sleep_for(5ms);
        }
    }
}

} // namespace monarc::golden
