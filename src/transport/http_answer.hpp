#pragma once

// An HTTP/1.1 answer (RFC 9112), put together from the bytes of a connection within bounds. Pure.

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
    std::string request_id;    // x-openstack-request-id
    std::string content_type;  // as it came
    std::string location;      // where a redirection points
    std::string subject_token; // X-Subject-Token: Keystone's
    bool is_reusable = false;  // the connection may take another request
    bool is_cut = false;       // the body is longer than what was read of it
};

// The status and the beginning of what an error says, on one line, for the log.
std::string refusal_text(const http_answer& answer);

struct http_limits {
    std::size_t header_bytes = 8 * 1024;
    std::size_t body_bytes = std::size_t{64} * 1024; // D-5: of a longer body no more is read
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
    int interim_ = 0;
    bool has_begun_ = false;
    bool is_whole_ = false;
    bool is_cut_ = false; // the body is longer than we read
};

} // namespace monarc::transport
