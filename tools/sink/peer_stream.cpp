#include "sink/peer_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>

#include <array>
#include <new>
#include <utility>

namespace monarc::sink {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using progress = transport::tls_session::progress;

namespace {

std::error_code plain_code(const boost::system::error_code& ec) {
    return ec == boost::beast::error::timeout ? std::make_error_code(std::errc::timed_out)
                                              : std::error_code(ec);
}

} // namespace

peer_stream::peer_stream(protocol::socket&& socket) : stream_(std::move(socket)) {}

asio::awaitable<std::error_code>
peer_stream::secure(const transport::tls_context& context, milliseconds timeout) {
    tls_ = std::make_unique<transport::tls_session>(context);
    std::array<char, 4096> buffer;
    while (true) {
        const auto now = tls_->handshake();
        const auto unsent = co_await write_sealed(timeout);
        if (now == progress::failed) {
            what_ = tls_->what();
            co_return tls_->error();
        }
        if (now == progress::done || unsent)
            co_return unsent;
        const auto got = co_await read_raw(buffer.data(), buffer.size(), timeout);
        if (!got)
            co_return got.error();
        tls_->feed({buffer.data(), *got});
    }
}

asio::awaitable<result<std::size_t>>
peer_stream::read(char* to, std::size_t bytes, milliseconds timeout) {
    if (!tls_)
        co_return co_await read_raw(to, bytes, timeout);
    std::array<char, 16 * 1024> buffer;
    while (true) {
        std::size_t got = 0;
        const auto now = tls_->read(to, bytes, got);
        const auto unsent = co_await write_sealed(timeout); // what reading made TLS want to say
        if (now == progress::done)
            co_return got;
        if (now == progress::closed)
            co_return std::error_code(boost::system::error_code(asio::error::eof));
        if (now == progress::failed) {
            what_ = tls_->what();
            co_return tls_->error();
        }
        if (unsent)
            co_return unsent;
        const auto sealed = co_await read_raw(buffer.data(), buffer.size(), timeout);
        if (!sealed)
            co_return sealed.error();
        tls_->feed({buffer.data(), *sealed});
    }
}

asio::awaitable<std::error_code> peer_stream::write(std::string_view bytes, milliseconds timeout) {
    if (!tls_)
        co_return co_await write_raw(bytes, timeout);
    if (tls_->write(bytes) != progress::done)
        co_return tls_->error();
    co_return co_await write_sealed(timeout);
}

asio::awaitable<std::error_code> peer_stream::write_sealed(milliseconds timeout) {
    sealed_.clear();
    tls_->take_output(sealed_);
    co_return co_await write_raw(sealed_, timeout);
}

asio::awaitable<result<std::size_t>>
peer_stream::read_raw(char* to, std::size_t bytes, milliseconds timeout) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    const auto buffer = asio::buffer(to, bytes);
    stream_.expires_after(timeout);
    const auto got = co_await stream_.async_read_some(buffer, into_ec);
    if (ec)
        co_return plain_code(ec);
    co_return got;
}

asio::awaitable<std::error_code>
peer_stream::write_raw(std::string_view bytes, milliseconds timeout) {
    boost::system::error_code ec;
    while (!bytes.empty() && !ec) {
        auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
        const auto buffer = asio::buffer(bytes.data(), bytes.size());
        stream_.expires_after(timeout);
        bytes.remove_prefix(co_await stream_.async_write_some(buffer, into_ec));
    }
    co_return plain_code(ec);
}

void peer_stream::close() noexcept {
    boost::system::error_code ignored;
    if (tls_ && stream_.socket().is_open()) {
        tls_->say_good_bye();
        sealed_.clear();
        try {
            tls_->take_output(sealed_);
        } catch (const std::bad_alloc&) { // then without a word
        }
        stream_.socket().non_blocking(true, ignored);
        if (!sealed_.empty())
            stream_.socket().write_some(asio::buffer(sealed_), ignored);
    }
    stream_.socket().close(ignored);
}

} // namespace monarc::sink
