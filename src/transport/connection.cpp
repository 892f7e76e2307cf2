#include "transport/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

std::error_code last_system_error() noexcept {
    return {errno, std::system_category()};
}

void set(int socket, int level, int name, int value) noexcept {
    ::setsockopt(
        socket, level, name, &value, sizeof value); // what a kernel does not know, it does without
}

// How much goes into TLS at a time: four records.
constexpr std::size_t sealed_at_a_time = 64 * 1024;

std::error_code plain_code(const boost::system::error_code& ec) {
    return ec == boost::beast::error::timeout ? std::make_error_code(std::errc::timed_out)
                                              : std::error_code(ec);
}

bool is_end_of_stream(const std::error_code& ec) {
    return ec == std::error_code(boost::system::error_code(asio::error::eof));
}

// D-12.8: a peer that vanished is found within a minute.
void keep_watch(int socket) noexcept {
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

} // namespace

std::chrono::seconds life_of_connection(double uniform) noexcept {
    constexpr std::chrono::seconds shortest{540};
    constexpr double spread = 120.0;
    return shortest + std::chrono::seconds(static_cast<int>(uniform * spread));
}

connection::connection(asio::any_io_executor executor, std::atomic<int>& descriptor)
    : stream_(std::move(executor)), descriptor_(descriptor) {}

connection::~connection() {
    close();
}

asio::awaitable<std::error_code>
connection::connect_to(protocol::endpoint peer, std::chrono::milliseconds timeout) {
    tls_.reset();
    sealed_.clear();
    trusted_ = 0;
    // Asio opens sockets that programs started from here would inherit (D-9.9).
    const int fd = ::socket(peer.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        co_return last_system_error();
    }
    boost::system::error_code ec;
    stream_.socket().assign(peer.protocol(), fd, ec);
    if (ec) {
        ::close(fd);
        co_return ec;
    }
    own_descriptor_ = fd;
    descriptor_.store(fd, std::memory_order_relaxed);
    stream_.expires_after(timeout);
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    co_await stream_.async_connect(peer, into_ec);
    if (ec) {
        const auto failure = plain_code(ec);
        close();
        co_return failure;
    }
    stream_.expires_never();
    is_open_ = true;
    const auto now = steady::now();
    constexpr int steps = 1000; // the clock's nanoseconds are random enough to spread a fleet
    const auto uniform = static_cast<double>(now.time_since_epoch().count() % steps) / steps;
    retires_at_ = now + life_of_connection(uniform);
    co_return std::error_code();
}

asio::awaitable<std::error_code>
connection::open(endpoints peers, std::chrono::milliseconds timeout) {
    const auto each = peers.size() > 1 ? timeout / 2 : timeout;
    std::error_code failure = std::make_error_code(std::errc::address_not_available);
    for (const auto& peer : peers) {
        const protocol::endpoint one(peer);
        failure = co_await connect_to(one, each);
        if (!failure) {
            keep_watch(own_descriptor_);
            peer_ = peer;
            co_return failure;
        }
    }
    co_return failure;
}

asio::awaitable<std::error_code>
connection::open_local(std::string path, std::chrono::milliseconds timeout) {
    const asio::local::stream_protocol::endpoint local(path);
    const protocol::endpoint peer(local);
    co_return co_await connect_to(peer, timeout);
}

bool connection::is_worn(resolver& names, tls_context& context) {
    const auto now = steady::now();
    if (tls_) {
        context.refresh(now);
    }
    return now >= retires_at_ || names.has_moved(peer_) ||
           (tls_ && context.generation() != trusted_);
}

asio::awaitable<std::error_code> connection::write(
    std::array<std::string_view, 3> parts,
    std::chrono::milliseconds stall,
    steady::time_point until) {
    if (tls_) {
        for (auto part : parts) {
            while (!part.empty()) {
                const auto piece = part.substr(0, sealed_at_a_time);
                part.remove_prefix(piece.size());
                if (tls_->write(piece) != tls_session::progress::done) {
                    what_ = tls_->what();
                    co_return tls_->error();
                }
                const auto ec = co_await write_sealed(stall, until);
                if (ec) {
                    co_return ec;
                }
            }
        }
        co_return std::error_code();
    }
    const std::array<asio::const_buffer, 3> buffers{
        asio::buffer(parts[0]), asio::buffer(parts[1]), asio::buffer(parts[2])};
    boost::beast::buffers_suffix<std::array<asio::const_buffer, 3>> left(buffers);
    while (asio::buffer_size(left) != 0) {
        const auto now = steady::now();
        if (now >= until) {
            co_return std::make_error_code(std::errc::timed_out);
        }
        boost::system::error_code ec;
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        stream_.expires_at(std::min(now + stall, until));
        const auto written = co_await stream_.async_write_some(left, into_ec);
        if (ec) {
            co_return plain_code(ec);
        }
        left.consume(written);
    }
    stream_.expires_never();
    co_return std::error_code();
}

// What TLS has made so far, to the last byte.
asio::awaitable<std::error_code>
connection::write_sealed(std::chrono::milliseconds stall, steady::time_point until) {
    tls_->take_output(sealed_);
    std::size_t sent = 0;
    boost::system::error_code ec;
    is_writing_ = true;
    while (sent < sealed_.size() && !ec) {
        const auto now = steady::now();
        if (now >= until) {
            ec = boost::beast::error::timeout;
            break;
        }
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        const auto left = asio::buffer(sealed_) + sent;
        stream_.expires_at(std::min(now + stall, until));
        sent += co_await stream_.async_write_some(left, into_ec);
    }
    is_writing_ = false;
    sealed_.clear();
    if (!ec) {
        stream_.expires_never();
    }
    co_return plain_code(ec);
}

// What reading made TLS want to say, and good-bye. The rest goes with the next write: nothing that
// is sent this way is waited for.
void connection::send_without_waiting() noexcept {
    if (is_writing_) {
        return; // the writer takes it along
    }
    try {
        tls_->take_output(sealed_);
    } catch (const std::bad_alloc&) {
        return;
    }
    if (sealed_.empty()) {
        return;
    }
    const auto sent = ::send(
        stream_.socket().native_handle(),
        sealed_.data(),
        sealed_.size(),
        MSG_DONTWAIT | MSG_NOSIGNAL);
    sealed_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
}

asio::awaitable<std::error_code>
connection::secure(tls_context& context, std::string host, std::chrono::milliseconds timeout) {
    context.refresh();
    trusted_ = context.generation();
    tls_ = std::make_unique<tls_session>(context, host);
    what_.clear();
    const auto failure = co_await shake_hands(timeout);
    if (failure) {
        context.count_failure(failure);
        close();
    } else {
        context.remember_peer(*tls_);
    }
    co_return failure;
}

asio::awaitable<std::error_code> connection::shake_hands(std::chrono::milliseconds timeout) {
    using progress = tls_session::progress;
    const auto until = steady::now() + timeout;
    const auto time_left = [&] {
        return std::max(
            std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()),
            std::chrono::milliseconds(1));
    };
    std::array<char, 4096> buffer;
    while (true) {
        const auto now = tls_->handshake();
        const auto left = time_left();
        // Also the alert, what is wrong.
        const auto unsent = co_await write_sealed(left, steady::now() + left);
        if (now == progress::failed) {
            what_ = tls_->what();
            co_return tls_->error();
        }
        if (now == progress::done || unsent) {
            co_return unsent;
        }
        stream_.expires_after(time_left());
        const auto got = co_await read_some(buffer.data(), buffer.size());
        stream_.expires_never();
        if (!got) {
            co_return is_end_of_stream(got.error()) ? make_error_code(tls_errc::cut_off)
                                                    : got.error();
        }
        tls_->feed({buffer.data(), *got});
    }
}

asio::awaitable<result<std::size_t>> connection::read(char* to, std::size_t bytes) {
    return tls_ ? read_opened(to, bytes) : read_some(to, bytes);
}

asio::awaitable<result<std::size_t>> connection::read_opened(char* to, std::size_t bytes) {
    using progress = tls_session::progress;
    std::array<char, 16 * 1024> buffer;
    while (true) {
        std::size_t got = 0;
        const auto now = tls_->read(to, bytes, got);
        if (is_open_) {
            send_without_waiting();
        }
        switch (now) {
        case progress::done: co_return got;
        case progress::closed:
            co_return std::error_code(boost::system::error_code(asio::error::eof));
        case progress::failed: what_ = tls_->what(); co_return tls_->error();
        case progress::wants_input: break;
        }
        const auto sealed = co_await read_some(buffer.data(), buffer.size());
        if (!sealed) {
            co_return is_end_of_stream(sealed.error()) ? make_error_code(tls_errc::cut_off)
                                                       : sealed.error();
        }
        tls_->feed({buffer.data(), *sealed});
    }
}

asio::awaitable<result<std::size_t>> connection::read_some(char* to, std::size_t bytes) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    const auto buffer = asio::buffer(to, bytes);
    const auto got = co_await stream_.async_read_some(buffer, into_ec);
    if (ec) {
        co_return plain_code(ec);
    }
    co_return got;
}

void connection::close() noexcept {
    if (tls_ && is_open_) {
        tls_->say_good_bye();
        send_without_waiting();
    }
    is_open_ = false;
    // A later connection may stand there already.
    if (own_descriptor_ >= 0 && descriptor_.load(std::memory_order_relaxed) == own_descriptor_) {
        descriptor_.store(-1, std::memory_order_relaxed);
    }
    own_descriptor_ = -1;
    boost::system::error_code ignored;
    stream_.socket().close(ignored);
}

} // namespace monarc::transport
