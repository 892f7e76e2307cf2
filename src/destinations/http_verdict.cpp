#include "destinations/http_verdict.hpp"

namespace monarc::destinations {

std::string told(std::string_view text) {
    constexpr std::size_t most_bytes = 200;
    std::string line;
    for (const char c : text.substr(0, most_bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    return line;
}

outcome verdict_of_status(
    const transport::http_answer& answer, retry_wishes& wishes, std::int64_t wall_seconds) {
    outcome result;
    result.was_written = true;
    result.was_answered = true;
    const auto status = answer.status;
    if (status / 100 == 2) {
        result.what = verdict::delivered;
        return result;
    }
    result.why = transport::refusal_text(answer);
    result.retry_after = wishes.of(answer, wall_seconds);
    switch (status) {
    case 400:
    case 422: result.what = verdict::suspect; break;
    case 401: result.kind = failure::auth; break;
    case 403:
    case 404:
    case 405:
    case 407: result.kind = failure::config; break;
    case 408:
    case 425: break;
    case 413: result.what = verdict::too_large; break;
    case 429:
    case 503: result.kind = failure::throttle; break;
    case 500: result.was_internal_error = true; break;
    case 501:
    case 505: result.what = verdict::rejected; break;
    default:
        if (status / 100 == 3) {
            result.kind = failure::config;
        } else if (status / 100 == 4) {
            result.what = verdict::rejected;
        }
    }
    return result;
}

} // namespace monarc::destinations
