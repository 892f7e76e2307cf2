#pragma once

// A stream to a peer over TCP or a Unix socket, with TLS or without: open, read, write, close, each
// with its own deadline.

#include "core/result.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::transport {

// D-12.5: 10 min ± 10 %. `uniform` in [0, 1) is the caller's random number.
std::chrono::seconds life_of_connection(double uniform) noexcept;

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

    // A Unix socket in the file system. `path` has at most 107 bytes.
    boost::asio::awaitable<std::error_code>
    open_local(std::string path, std::chrono::milliseconds timeout);

    // On top of what open() made. `host`: whom the certificate must be of (D-12.1).
    // Reads the files of `context` again if they have changed, and tells it what came of it.
    // Fails: a tls_errc, and what() says more; or the code of the network. Closed then: what was to
    // be secret never goes plain instead.
    boost::asio::awaitable<std::error_code>
    secure(tls_context& context, std::string host, std::chrono::milliseconds timeout);

    // Writes all parts in a row without copying them; fails when nothing moves for `stall`, and
    // when it is not done at `until`.
    boost::asio::awaitable<std::error_code> write(
        std::array<std::string_view, 3> parts,
        std::chrono::milliseconds stall,
        std::chrono::steady_clock::time_point until);

    // Some bytes, as many as are there. Waits without a deadline; close() ends it. Over TLS a
    // stream that ends without close-notify ends with tls_errc::cut_off (D-12.6).
    boost::asio::awaitable<result<std::size_t>> read(char* to, std::size_t bytes);

    // At once: over TLS a close-notify goes out if the kernel takes it, and none is waited for.
    void close() noexcept;
    // More on the last error of TLS; may be empty.
    const std::string& what() const noexcept { return what_; }
    bool is_open() const noexcept { return is_open_; }

    // D-12.5: whether the next attempt belongs on a new connection, because this one is old, its
    // name stands for other addresses now, or a TLS file has changed. To be asked between attempts.
    bool is_worn(resolver& names, tls_context& context);

private:
    using protocol = boost::asio::generic::stream_protocol;

    boost::asio::awaitable<std::error_code>
    connect_to(protocol::endpoint peer, std::chrono::milliseconds timeout);
    boost::asio::awaitable<std::error_code> shake_hands(std::chrono::milliseconds timeout);
    boost::asio::awaitable<std::error_code>
    write_sealed(std::chrono::milliseconds stall, std::chrono::steady_clock::time_point until);
    boost::asio::awaitable<result<std::size_t>> read_some(char* to, std::size_t bytes);
    boost::asio::awaitable<result<std::size_t>> read_opened(char* to, std::size_t bytes);
    void send_without_waiting() noexcept;

    boost::beast::basic_stream<protocol> stream_;
    std::unique_ptr<tls_session> tls_; // null: plain
    std::string sealed_;               // records of TLS on their way out
    std::string what_;
    bool is_writing_ = false; // sealed_ is being sent
    std::atomic<int>& descriptor_;
    int own_descriptor_ = -1;
    bool is_open_ = false;
    boost::asio::ip::tcp::endpoint peer_; // over TCP
    std::uint64_t trusted_ = 0;           // the context's generation
    std::chrono::steady_clock::time_point retires_at_{};
};

} // namespace monarc::transport
