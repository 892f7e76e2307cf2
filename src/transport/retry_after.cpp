#include "transport/retry_after.hpp"

#include "transport/http_date.hpp"

#include <algorithm>
#include <charconv>

namespace monarc::transport {

std::chrono::milliseconds retry_wishes::of(const http_answer& answer, std::int64_t wall_seconds) {
    if (answer.status != 413 && answer.status != 429 && answer.status < 500) {
        return {};
    }
    std::int64_t wish = 0; // seconds
    for (const auto& text : answer.retry_after) {
        std::int64_t seconds = 0;
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (!text.empty() && text.size() <= 10 && std::all_of(text.begin(), text.end(), is_digit)) {
            std::from_chars(text.data(), text.data() + text.size(), seconds);
        } else if (const auto date = read_http_date(text)) {
            const auto theirs = read_http_date(answer.date);
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

} // namespace monarc::transport
