#include "transport/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::error_code last_system_error() noexcept {
    return {errno, std::system_category()};
}

void set(int socket, int level, int name, int value) noexcept {
    ::setsockopt(
        socket, level, name, &value, sizeof value); // what a kernel does not know, it does without
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

connection::connection(asio::any_io_executor executor, std::atomic<int>& descriptor)
    : stream_(std::move(executor)), descriptor_(descriptor) {}

connection::~connection() {
    close();
}

asio::awaitable<std::error_code>
connection::open(endpoints peers, std::chrono::milliseconds timeout) {
    const auto each = peers.size() > 1 ? timeout / 2 : timeout;
    std::error_code failure = std::make_error_code(std::errc::address_not_available);
    for (const auto& peer : peers) {
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
        stream_.expires_after(each);
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        co_await stream_.async_connect(peer, into_ec);
        if (!ec) {
            keep_watch(fd);
            stream_.expires_never();
            is_open_ = true;
            co_return std::error_code();
        }
        failure = ec == boost::beast::error::timeout ? std::make_error_code(std::errc::timed_out)
                                                     : std::error_code(ec);
        close();
    }
    co_return failure;
}

asio::awaitable<std::error_code>
connection::write(std::array<std::string_view, 3> parts, std::chrono::milliseconds stall) {
    const std::array<asio::const_buffer, 3> buffers{
        asio::buffer(parts[0]), asio::buffer(parts[1]), asio::buffer(parts[2])};
    boost::beast::buffers_suffix<std::array<asio::const_buffer, 3>> left(buffers);
    while (asio::buffer_size(left) != 0) {
        boost::system::error_code ec;
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        stream_.expires_after(stall);
        const auto written = co_await stream_.async_write_some(left, into_ec);
        if (ec) {
            co_return ec == boost::beast::error::timeout
                ? std::make_error_code(std::errc::timed_out)
                : std::error_code(ec);
        }
        left.consume(written);
    }
    stream_.expires_never();
    co_return std::error_code();
}

asio::awaitable<result<std::size_t>> connection::read(char* to, std::size_t bytes) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    const auto buffer = asio::buffer(to, bytes);
    const auto got = co_await stream_.async_read_some(buffer, into_ec);
    if (ec) {
        co_return std::error_code(ec);
    }
    co_return got;
}

void connection::close() noexcept {
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
