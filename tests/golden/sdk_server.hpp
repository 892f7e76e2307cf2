#pragma once

// The server of mona_sdk's recordings: keeps every request, answers as their scripts say.

#include "golden/recorded_value.hpp"
#include "sink/held_port.hpp"
#include "sink/http_server.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace monarc::golden {

struct sdk_request {
    std::string method;
    std::string target; // path and query
    std::string authorization;
    std::string content_type;
    std::string content_encoding;
    std::string body; // canonical_body(), or as it came if it is no JSON

    friend bool operator==(const sdk_request&, const sdk_request&) = default;
};

// Threads: any.
class sdk_server {
public:
    sdk_server();

    std::uint16_t live_port() const noexcept { return server_.port(); }
    std::uint16_t dead_port() const noexcept { return dead_.port(); }

    // setup.responses, all in its place.
    void answer_by(const json_value* responses);

    struct exchange {
        sdk_request request;
        std::string answer; // its body
        bool was_json = false;
    };
    // From the `first`-th on.
    std::vector<exchange> seen(std::size_t first = 0) const;

private:
    sink::http_answer serve(const sink::http_request& request);

    struct response {
        sink::http_response http;
        bool is_json;
    };

    sink::held_port dead_;
    mutable std::mutex lock_;
    std::map<std::string, std::vector<response>> responses_; // by path; the last one for ever
    std::map<std::string, std::size_t> used_;
    std::vector<exchange> seen_;
    sink::http_server server_; // destroyed first
};

} // namespace monarc::golden
