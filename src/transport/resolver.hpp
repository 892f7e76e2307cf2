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

// Threads: the I/O thread only.
class resolver {
public:
    // `life`: how long an answer is good (D-6.9).
    explicit resolver(
        boost::asio::any_io_executor executor,
        std::chrono::milliseconds life = std::chrono::minutes(1));
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    // An address in digits is answered at once.
    // Fails: the code of getaddrinfo in category "resolver"; std::errc::timed_out, then the thread
    // goes on alone.
    boost::asio::awaitable<result<endpoints>>
    resolve(std::string host, std::uint16_t port, std::chrono::milliseconds timeout);

    // After a connect that failed: the next call looks again.
    void forget() noexcept { known_until_ = {}; }

    // Whether the name that was resolved last stands for other addresses than this one by now.
    // Never waits: once the answer is too old it is looked for anew aside, and a look-up that fails
    // says nothing. Addresses in digits do not move.
    bool has_moved(const boost::asio::ip::tcp::endpoint& peer);

    // Ends every running resolve() at once.
    void cancel() noexcept;

private:
    struct question;
    class waiting_for;

    bool start(const std::shared_ptr<question>& asked);
    void remember(const endpoints& answer);

    boost::asio::any_io_executor executor_;
    std::chrono::milliseconds life_;
    std::vector<std::shared_ptr<question>> running_;
    std::shared_ptr<question> aside_; // of has_moved
    std::string host_;                // of known_
    std::uint16_t port_ = 0;
    endpoints known_;
    std::chrono::steady_clock::time_point known_until_{};
    std::chrono::steady_clock::time_point next_look_{}; // of has_moved, if it failed
};

} // namespace monarc::transport
