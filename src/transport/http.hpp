#pragma once

// One HTTP/1.1 exchange over a connection (RFC 9112).

#include "transport/connection.hpp"
#include "transport/http_answer.hpp"

#include <boost/asio/awaitable.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::transport {

// What came of an exchange.
struct exchanged {
    bool is_answered = false;
    http_answer answer{};
    bool was_written = false; // the peer had the whole request
    bool has_begun = false;   // some of the answer came
    bool has_timed_out = false;
    std::string why{};       // without an answer
    std::error_code error{}; // of the connection, if that is why
};

// Writes head and body and reads the answer, within `timeout` (D-6.8).
boost::asio::awaitable<exchanged> exchange(
    std::shared_ptr<connection> over,
    std::array<std::string_view, 2> request,
    std::chrono::milliseconds write_stall,
    std::chrono::milliseconds timeout,
    http_limits limits = {});

} // namespace monarc::transport
