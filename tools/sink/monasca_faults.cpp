#include "sink/monasca_faults.hpp"

#include "sink/monasca_errors.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace monarc::sink {
namespace {

using namespace std::chrono_literals;

constexpr auto kafka_wait = 2s; // section 4: what the API waits for its producer's queue

http_response in_words(int status, std::string text) {
    http_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "text/plain");
    response.body = std::move(text) + "\n";
    return response;
}

} // namespace

http_answer monasca_faults::serve(const http_request& request, std::int64_t now) {
    using ending = http_answer::ending;
    http_answer answer;
    if (request.path == "/sink/switches") {
        answer.response = switch_as(request);
        return answer;
    }
    const auto switches = api_.switches();
    answer.wait = switches.slow;
    if (std::exchange(reset_after_, switches.reset_after) != switches.reset_after)
        answered_ = 0;
    if (reset_after_ && answered_ >= *reset_after_) {
        answer.is_silent = true;
        answer.then = ending::reset;
        return answer;
    }
    ++answered_;
    if (switches.half_closes) {
        answer.is_silent = true;
        answer.then = ending::half_close;
        return answer;
    }
    if (switches.max_body_bytes != 0 && request.body.size() > switches.max_body_bytes) {
        answer.response = html_response(413, "413 Request Entity Too Large", "");
        return answer;
    }
    if (switches.requests_a_second != 0 && !has_room(switches.requests_a_second, now)) {
        answer.response = html_response(429, "429 Too Many Requests", "");
        answer.response.fields.emplace_back("Retry-After", "1");
        return answer;
    }
    answer.response = api_.serve(request, now);
    const bool is_pending = switches.kafka == kafka_state::down && request.method == "POST" &&
                            answer.response.status == 204;
    if (is_pending)
        answer.wait += kafka_wait;
    return answer;
}

bool monasca_faults::has_room(std::uint64_t requests_a_second, std::int64_t now) noexcept {
    if (std::exchange(second_, now / 1000) != now / 1000)
        in_second_ = 0;
    return ++in_second_ <= requests_a_second;
}

// All of them or none.
http_response monasca_faults::switch_as(const http_request& request) {
    if (!takes_switches_)
        return in_words(404, "switches are taken on the loopback only");
    if (request.method != "PUT")
        return in_words(405, "PUT a switch a line");
    auto changed = api_.switches();
    std::string_view rest = request.body;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty())
            continue;
        if (auto why = read_switch(line, changed); !why.empty())
            return in_words(400, std::move(why));
    }
    api_.set_switches(changed);
    http_response response;
    response.status = 204;
    return response;
}

} // namespace monarc::sink
