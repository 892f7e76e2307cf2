#pragma once

// A stream to a peer over TCP: open, read, write, close, each with its own deadline.

#include "core/result.hpp"
#include "transport/resolver.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace monarc::transport {

// Threads: the I/O thread only.
class connection {
public:
    // `descriptor` holds the number of the open socket, else -1, so that a forked child can close
    // its copy.
    connection(boost::asio::any_io_executor executor, std::atomic<int>& descriptor);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Tries the addresses in order, each for at most half of `timeout` if there are several
    // (D-6.9).
    boost::asio::awaitable<std::error_code>
    open(endpoints peers, std::chrono::milliseconds timeout);

    // Writes all parts in a row without copying them; fails when nothing moves for `stall`.
    boost::asio::awaitable<std::error_code>
    write(std::array<std::string_view, 3> parts, std::chrono::milliseconds stall);

    // Some bytes, as many as are there. Waits without a deadline; close() ends it.
    boost::asio::awaitable<result<std::size_t>> read(char* to, std::size_t bytes);

    void close() noexcept;
    bool is_open() const noexcept { return is_open_; }

private:
    boost::beast::tcp_stream stream_;
    std::atomic<int>& descriptor_;
    int own_descriptor_ = -1;
    bool is_open_ = false;
};

} // namespace monarc::transport
