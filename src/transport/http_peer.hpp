#pragma once

// One HTTP server: looked up, connected to, secured when an exchange wants it, and kept for a
// moment after one. One exchange at a time.

#include "transport/connection.hpp"
#include "transport/http.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace monarc::transport {

struct http_waits {
    std::chrono::milliseconds connect{5'000};
    std::chrono::milliseconds answer{30'000}; // and what the bytes of the request need (D-6.8)
    std::chrono::milliseconds idle{30'000};   // then a connection is not used again
};

// What came of an exchange, the way to the server included.
struct http_exchange {
    exchanged got{};
    bool was_connected = false; // else `got.why` says what stood in the way
    bool was_reused = false;    // the connection had carried an exchange before
    bool is_refusal = false;    // by TLS: it stays so until somebody changes something (D-5.10)
};

// Threads: the I/O thread only.
class http_peer {
public:
    // `descriptor`: as connection's. `tls` outlives it.
    http_peer(
        boost::asio::any_io_executor executor,
        tls_context& tls,
        std::atomic<int>& descriptor,
        const http_waits& waits);
    ~http_peer();
    http_peer(const http_peer&) = delete;
    http_peer& operator=(const http_peer&) = delete;

    // `request`: head and body, which the caller keeps until it is over.
    boost::asio::awaitable<http_exchange>
    exchange(http_url to, std::array<std::string_view, 2> request, http_limits limits = {});

    // At once; the next exchange connects again.
    void close() noexcept;
    // For good: what runs ends, and nothing begins any more.
    void abandon() noexcept;

    std::uint64_t connections() const noexcept { return connections_; }

private:
    boost::asio::awaitable<http_exchange> connect(http_url to);

    boost::asio::any_io_executor executor_;
    tls_context& tls_;
    std::atomic<int>& descriptor_;
    http_waits waits_;
    resolver resolver_;
    std::shared_ptr<connection> stream_;
    std::string authority_; // whom it is connected to
    std::chrono::steady_clock::time_point idle_since_{};
    bool is_abandoned_ = false;
    std::uint64_t connections_ = 0;
};

} // namespace monarc::transport
