#pragma once

// HTTP for somebody who waits: one exchange at a time, on the calling thread, over connections that
// are kept while they last.

#include "transport/http.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::monasca_client {

struct web_request {
    std::string_view method;
    const transport::http_url* to = nullptr; // its path does not count
    std::string_view target;                 // path and query as they go out
    const secret* token = nullptr;           // X-Auth-Token; null: none
    std::string_view body{};                 // JSON; empty: none
    std::chrono::milliseconds timeout{};     // of all of it
};

struct web_answer {
    bool is_answered = false;
    transport::http_answer http{};
    std::error_code error{}; // without an answer
    std::string why{};
    bool is_tls = false; // TLS is why
};

// Threads: one at a time.
class web {
public:
    // Of what comes no more is read.
    static constexpr std::size_t max_body_bytes = std::size_t{64} << 20;

    // Fails: throws std::system_error(errc::bad_options) for TLS files that cannot be used.
    web(const tls_options& tls, std::chrono::milliseconds connect_timeout);
    ~web();
    web(const web&) = delete;
    web& operator=(const web&) = delete;

    web_answer exchange(const web_request& request);

private:
    struct line {
        std::atomic<int> descriptor{-1};
        std::shared_ptr<transport::connection> stream{};
    };

    boost::asio::awaitable<web_answer>
    attempt(const web_request& request, std::string_view head, line& on, bool& may_repeat);
    boost::asio::awaitable<web_answer>
    connect(const web_request& request, line& on, std::chrono::milliseconds timeout);

    boost::asio::io_context io_{1};
    tls_options tls_;
    std::unique_ptr<transport::tls_context> context_; // made when it is needed
    std::chrono::milliseconds connect_timeout_;
    std::map<std::string, line> lines_; // by origin
};

} // namespace monarc::monasca_client
