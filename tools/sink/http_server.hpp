#pragma once

// An HTTP/1.1 server on one port: reads requests within limits, hands them to one function, and
// sends what that says. What is offered behind it is none of its business.

#include "sink/http_message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace monarc::sink {

// D-13.2.
struct http_limits {
    std::size_t max_header_bytes = std::size_t{16} << 10;
    std::size_t max_body_bytes = std::size_t{8} << 20;
    std::size_t max_connections = 1024;
    std::size_t max_buffered_bytes = std::size_t{128} << 20; ///< Bodies that are still arriving.
    std::chrono::milliseconds header_timeout{10'000};        ///< From its first byte to its end.
    std::chrono::milliseconds idle_timeout{60'000};          ///< No byte for so long: closed.
    /// Between two requests; zero: every response closes the connection.
    std::chrono::milliseconds keep_alive{60'000};
};

struct http_options {
    std::string host = "127.0.0.1";   ///< An address, or localhost.
    std::uint16_t port = 0;           ///< 0: any that is free; http_server::port() tells.
    std::string port_option = "port"; ///< What to name when the port is taken.
    http_limits limits{};
    /// One line without a line feed, from the server's thread or the constructor.
    std::function<void(std::string_view)> log{};
};

struct http_counts {
    std::uint64_t connections = 0;      ///< Accepted, also those refused at once.
    std::uint64_t open_connections = 0; ///< At the moment.
    std::uint64_t requests = 0;         ///< Handed on.
    std::uint64_t bytes_received = 0;
    std::uint64_t too_many = 0;   ///< Connections beyond the limit: closed at once.
    std::uint64_t too_large = 0;  ///< Answered 413 or 431.
    std::uint64_t malformed = 0;  ///< Answered 400 and closed.
    std::uint64_t too_slow = 0;   ///< A header or body that stopped on its way: closed.
    std::uint64_t unfinished = 0; ///< Connections that ended inside a request.
};

std::string to_json(const http_counts& n);

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket and its connections.
class http_server {
public:
    // Called from the server's thread, one request at a time.
    using serve_function = std::function<http_answer(const http_request&)>;

    // Listens before it returns.
    // Fails: throws start_error, whose what() says where, what, why and what next.
    http_server(http_options wanted, serve_function serve);
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    std::uint16_t port() const noexcept;
    http_counts counts() const;

    // Closes everything and ends the thread; counts() goes on to answer. Twice does no harm.
    void stop();

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
