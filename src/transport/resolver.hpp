#pragma once

// Names to addresses, on a thread of ours that can be left behind: Asio's own resolver joins its
// thread at shutdown and at fork, so a getaddrinfo that hangs would hold up both (D-9.3).

#include "core/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace monarc::transport {

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

// Threads: the I/O thread only. At most one look-up of its own runs at a time; a further call waits
// for the same answer.
class resolver {
public:
    explicit resolver(boost::asio::any_io_executor executor);
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    // An address in digits is answered at once. An answer is kept for a minute (D-6.9).
    // Fails: the code of getaddrinfo in category "resolver"; std::errc::timed_out, then the thread
    // goes on alone.
    boost::asio::awaitable<result<endpoints>>
    resolve(std::string host, std::uint16_t port, std::chrono::milliseconds timeout);

    // After a connect that failed: the next call looks again.
    void forget() noexcept { known_until_ = {}; }

    // Ends a running resolve() at once.
    void cancel() noexcept;

private:
    struct question;

    boost::asio::any_io_executor executor_;
    std::shared_ptr<question> running_;
    endpoints known_;
    std::chrono::steady_clock::time_point known_until_{};
};

} // namespace monarc::transport
