#pragma once

// One HTTP/1.1 exchange over a connection (RFC 9112): a request that is there whole, an answer
// within bounds.

#include "transport/connection.hpp"

#include <boost/asio/awaitable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::transport {

struct http_answer {
    unsigned status = 0;
    std::string reason;
    std::string body;
    std::vector<std::string> retry_after; // each header of that name
    std::string date;
    std::string request_id;   // x-openstack-request-id
    bool is_reusable = false; // the connection may take another request
};

struct http_limits {
    std::size_t header_bytes = 8 * 1024;
    std::size_t body_bytes = 64 * 1024; // D-5: of a longer body no more is read
};

// Puts an answer together from the bytes of a connection, in any pieces (D-13.1).
class http_answer_reader {
public:
    explicit http_answer_reader(http_limits limits = {});
    ~http_answer_reader();
    http_answer_reader(const http_answer_reader&) = delete;
    http_answer_reader& operator=(const http_answer_reader&) = delete;

    // broken: no HTTP, or beyond a bound; what() says why.
    enum class progress { partial, whole, broken };
    progress append(std::string_view bytes);
    // The peer has closed.
    progress end();

    bool has_begun() const noexcept { return has_begun_; }
    const std::string& what() const noexcept { return what_; }
    http_answer take();

private:
    struct parser;
    progress fail(std::string_view why);
    progress parse();

    std::unique_ptr<parser> parser_;
    std::string header_; // as it came, for what the parser lets through
    std::string left_;   // not parsed yet
    std::string what_;
    http_limits limits_;
    bool has_begun_ = false;
    bool is_whole_ = false;
    bool is_cut_ = false; // the body is longer than we read
};

// What came of an exchange.
struct exchanged {
    bool is_answered = false;
    http_answer answer{};
    bool was_written = false; // the peer had the whole request
    bool has_begun = false;   // some of the answer came
    bool has_timed_out = false;
    std::string why{}; // without an answer
};

// Writes head and body, reads the answer; within `timeout` of the last byte written.
boost::asio::awaitable<exchanged> exchange(
    std::shared_ptr<connection> over,
    std::array<std::string_view, 2> request,
    std::chrono::milliseconds write_stall,
    std::chrono::milliseconds timeout);

// Whether a header's value may go out: no control characters but the tab (D-13.3).
bool is_header_value(std::string_view text) noexcept;

} // namespace monarc::transport
