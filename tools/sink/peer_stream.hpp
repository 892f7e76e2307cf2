#pragma once

// The connection of one peer: over TCP or a Unix socket, with TLS or without, each step with a
// deadline.

#include "core/result.hpp"
#include "transport/tls.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::sink {

// Threads: one; one step at a time.
class peer_stream {
public:
    using protocol = boost::asio::generic::stream_protocol;

    explicit peer_stream(protocol::socket&& socket);

    // The server's side of a handshake of TLS, before anything else.
    boost::asio::awaitable<std::error_code>
    secure(const transport::tls_context& context, std::chrono::milliseconds timeout);

    // Some bytes. Fails: std::errc::timed_out, the network's code, or one of TLS; then what() may
    // say more.
    boost::asio::awaitable<result<std::size_t>>
    read(char* to, std::size_t bytes, std::chrono::milliseconds timeout);

    // All of it. `timeout`: for any progress.
    boost::asio::awaitable<std::error_code>
    write(std::string_view bytes, std::chrono::milliseconds timeout);

    void close() noexcept;
    const std::string& what() const noexcept { return what_; }

private:
    boost::asio::awaitable<result<std::size_t>>
    read_raw(char* to, std::size_t bytes, std::chrono::milliseconds timeout);
    boost::asio::awaitable<std::error_code>
    write_raw(std::string_view bytes, std::chrono::milliseconds timeout);
    boost::asio::awaitable<std::error_code> write_sealed(std::chrono::milliseconds timeout);

    boost::beast::basic_stream<protocol> stream_;
    std::unique_ptr<transport::tls_session> tls_; // null: plain
    std::string sealed_;
    std::string what_;
};

} // namespace monarc::sink
