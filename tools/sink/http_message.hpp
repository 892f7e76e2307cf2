#pragma once

// HTTP requests and answers as plain values: what stands between the server and the services it
// offers.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::sink {

using http_fields = std::vector<std::pair<std::string, std::string>>;

// The first field of that name (any case); empty if there is none.
std::string_view field_of(const http_fields& fields, std::string_view name) noexcept;
bool has_field(const http_fields& fields, std::string_view name) noexcept;

struct http_request {
    std::size_t connection = 0; ///< The first is 1.
    std::string method{};
    std::string path{};  ///< As it came, not decoded.
    std::string query{}; ///< Without the question mark.
    http_fields fields{};
    std::string body{};
    bool is_chunked = false; ///< Then the body was not read.

    std::string_view field(std::string_view name) const noexcept { return field_of(fields, name); }
};

struct http_response {
    int status = 200;
    http_fields fields{}; ///< Without Content-Length and Connection.
    std::string body{};
};

// What the server does about a request: answer it, until a script says otherwise.
struct http_answer {
    http_response response{};
    std::string raw{};                 ///< Sent as it is instead, if there is any.
    std::chrono::milliseconds wait{0}; ///< Before the first byte.
    bool is_silent = false;            ///< No byte is sent.
    // stall: stay open and never answer again; half_close: the same, and shut the sending side.
    enum class ending { as_asked, close, reset, stall, half_close };
    ending then = ending::as_asked; ///< After the answer.
};

std::string_view reason_phrase(int status) noexcept;

// The whole response; a response that may have no body gets none.
std::string to_wire(const http_response& response, bool keeps_alive, bool is_head);

// Pairs of `a=1&b=2`, percent and plus decoded; as Falcon does, one without a value is left out.
using query_params = std::vector<std::pair<std::string, std::string>>;
query_params read_query(std::string_view query);

// %41 becomes A, and a plus a space; what is no escape stays.
std::string percent_decoded(std::string_view text);
// Everything but letters, digits and _.-~ is escaped.
std::string percent_encoded(std::string_view text);

} // namespace monarc::sink
