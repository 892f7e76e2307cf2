#pragma once

// HTTP for a client: any number of exchanges beside each other, each over a connection of its own,
// that is kept while it lasts.

#include "monasca_client/stopping.hpp"
#include "transport/http.hpp"
#include "transport/resolver.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"

#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <list>
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
    std::chrono::steady_clock::time_point deadline{};
    std::size_t max_body_bytes = 0; // of the answer; no more is read
};

struct web_answer {
    bool is_answered = false;
    transport::http_answer http{};
    std::error_code error{}; // without an answer
    std::string why{};
    bool is_tls = false; // TLS is why
};

// Threads: the client's.
class web {
public:
    web(boost::asio::any_io_executor where,
        const tls_options& tls,
        std::chrono::milliseconds connect_timeout);
    ~web();
    web(const web&) = delete;
    web& operator=(const web&) = delete;

    // What `request` points to lives until it is over.
    // Fails: throws std::system_error(errc::bad_options) for TLS files that cannot be used.
    boost::asio::awaitable<web_answer> exchange(stopping& stop, const web_request& request);

private:
    // A connection, and whether something is under way on it.
    struct line {
        std::atomic<int> descriptor{-1};
        std::shared_ptr<transport::connection> stream{};
        bool is_busy = false;
        bool is_open() const noexcept { return stream != nullptr && stream->is_open(); }
    };
    using lines = std::list<line>;

    line& free_line(lines& of);
    boost::asio::awaitable<web_answer> attempt(
        stopping& stop,
        const web_request& request,
        std::string_view head,
        line& on,
        bool& may_repeat);
    boost::asio::awaitable<web_answer>
    connect(stopping& stop, const web_request& request, line& on);
    boost::asio::awaitable<std::error_code> open(
        stopping& stop,
        std::shared_ptr<transport::connection> stream,
        transport::endpoints peers,
        std::chrono::steady_clock::time_point deadline);

    boost::asio::any_io_executor where_;
    tls_options tls_;
    std::unique_ptr<transport::tls_context> context_; // made when it is needed
    std::chrono::milliseconds connect_timeout_;
    std::map<std::string, lines> lines_; // by origin; those used last stand in front
};

} // namespace monarc::monasca_client
