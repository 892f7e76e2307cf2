#include "destinations/http_verdict.hpp"

#include "transport/http_date.hpp"

#include <algorithm>
#include <charconv>

namespace monarc::destinations {

std::chrono::milliseconds
retry_wishes::of(const transport::http_answer& answer, std::int64_t wall_seconds) {
    std::int64_t wish = 0; // seconds
    for (const auto& text : answer.retry_after) {
        std::int64_t seconds = 0;
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (!text.empty() && text.size() <= 10 && std::all_of(text.begin(), text.end(), is_digit)) {
            std::from_chars(text.data(), text.data() + text.size(), seconds);
        } else if (const auto date = transport::read_http_date(text)) {
            const auto theirs = transport::read_http_date(answer.date);
            seconds = *date - (theirs ? *theirs : wall_seconds);
        } else {
            ++bad_;
        }
        wish = std::max(wish, seconds);
    }
    if (wish > std::chrono::duration_cast<std::chrono::seconds>(longest_).count()) {
        ++clamped_;
        return longest_;
    }
    return std::chrono::seconds(wish);
}

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
    if (status == 413 || status == 429 || status >= 500) {
        result.retry_after = wishes.of(answer, wall_seconds);
    }
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
