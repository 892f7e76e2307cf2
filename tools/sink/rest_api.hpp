#pragma once

// Mona's REST interface as the sink offers it: which end point a request is for, who may use it,
// what is kept, and what the answer is. Knows no socket and no clock.

#include "sink/http_message.hpp"
#include "sink/rest_reactions.hpp"
#include "sink/rest_summary.hpp"
#include "sink/rest_tokens.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace monarc::sink {

struct rest_options {
    std::string token{}; ///< The one that is taken beside those of the sink's own token service;
                         ///< empty: any that this service has not made,
                         ///< unless it demands a secret.
    rest_token_options tokens{};
    bool has_open_doors = true;             ///< Else the end points that want no token answer 403.
    bool takes_gzip = false;                ///< Else a compressed request is answered 415.
    std::vector<rest_reaction> reactions{}; ///< To the first requests with messages, in order.
    std::size_t max_lost = 1024;            ///< Requests without an answer that are remembered.

    /// Keeps the records of one request, from within serve(); an error is answered 503.
    std::function<std::error_code(
        std::string_view end_point, std::span<const std::string> records, bool is_repeat)>
        keep{};
    /// One line without a line feed; of each kind of violation only the first few.
    std::function<void(std::string_view)> log{};
};

// Threads: any; requests are served one at a time.
class rest_api {
public:
    explicit rest_api(rest_options wanted);
    ~rest_api();
    rest_api(const rest_api&) = delete;
    rest_api& operator=(const rest_api&) = delete;

    http_answer serve(const http_request& request, std::int64_t now_milliseconds);

    // Without what the HTTP server counts.
    rest_summary snapshot() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
