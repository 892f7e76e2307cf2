#include "transport/http.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
namespace http = boost::beast::http;

struct http_answer_reader::parser {
    http::response_parser<http::string_body> of;
};

http_answer_reader::http_answer_reader(http_limits limits)
    : parser_(std::make_unique<parser>()), limits_(limits) {
    parser_->of.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser_->of.body_limit(limits.body_bytes);
    parser_->of.eager(true);
}

http_answer_reader::~http_answer_reader() = default;

http_answer_reader::progress http_answer_reader::fail(std::string_view why) {
    what_ = why;
    return progress::broken;
}

http_answer_reader::progress http_answer_reader::append(std::string_view bytes) {
    if (is_whole_) {
        return bytes.empty() ? progress::whole : fail("bytes behind the end of the answer");
    }
    has_begun_ = has_begun_ || !bytes.empty();
    if (!parser_->of.is_header_done()) {
        header_.append(bytes.substr(
            0, limits_.header_bytes + 4 - std::min(header_.size(), limits_.header_bytes)));
    }
    left_.append(bytes);
    return parse();
}

http_answer_reader::progress http_answer_reader::parse() {
    while (!left_.empty() && !parser_->of.is_done()) {
        const bool had_header = parser_->of.is_header_done();
        boost::beast::error_code ec;
        const auto used = parser_->of.put(asio::buffer(left_), ec);
        left_.erase(0, used);
        if (!had_header && parser_->of.is_header_done()) {
            // Beast joins folded lines; what one server folds the next may read as two headers.
            const auto end = header_.find("\r\n\r\n");
            const auto head = std::string_view(header_).substr(0, end);
            if (head.find("\n ") != head.npos || head.find("\n\t") != head.npos) {
                return fail("a folded header line");
            }
            const auto& fields = parser_->of.get();
            if (fields.count(http::field::content_length) > 1 ||
                (fields.count(http::field::content_length) != 0 &&
                 fields.count(http::field::transfer_encoding) != 0)) {
                return fail("two lengths");
            }
            if (parser_->of.get().result_int() / 100 == 1) { // 1xx: the real one comes
                auto fresh = std::make_unique<parser>();
                fresh->of.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
                fresh->of.body_limit(limits_.body_bytes);
                fresh->of.eager(true);
                parser_ = std::move(fresh);
                header_ = left_;
                continue;
            }
        }
        if (ec == http::error::need_more) {
            const bool is_endless =
                !parser_->of.is_header_done() && header_.size() > limits_.header_bytes;
            return is_endless ? fail("a header without an end") : progress::partial;
        }
        if (ec == http::error::body_limit && parser_->of.is_header_done()) {
            is_cut_ = is_whole_ = true; // the status decides
            return progress::whole;
        }
        if (ec) {
            return fail(ec.message());
        }
    }
    if (!parser_->of.is_done()) {
        return progress::partial;
    }
    is_whole_ = true;
    return left_.empty() ? progress::whole : fail("bytes behind the end of the answer");
}

http_answer_reader::progress http_answer_reader::end() {
    if (is_whole_) {
        return progress::whole;
    }
    boost::beast::error_code ec;
    const bool has_some = parser_->of.got_some(); // Beast wants to have seen a byte
    if (has_some) {
        parser_->of.put_eof(ec);
    }
    if (!has_some || ec || !parser_->of.is_done()) {
        return fail(has_begun_ ? "closed in the middle of the answer" : "closed before an answer");
    }
    is_whole_ = true;
    return progress::whole;
}

http_answer http_answer_reader::take() {
    auto& message = parser_->of.get();
    http_answer answer;
    answer.status = message.result_int();
    answer.reason = std::string(message.reason());
    answer.is_reusable = !is_cut_ && !parser_->of.need_eof() && message.keep_alive();
    answer.body = std::move(message.body());
    for (const auto& one : message) {
        if (one.name() == http::field::retry_after) {
            answer.retry_after.emplace_back(one.value());
        }
    }
    answer.date = std::string(message[http::field::date]);
    answer.request_id = std::string(message["x-openstack-request-id"]);
    return answer;
}

asio::awaitable<exchanged> exchange(
    std::shared_ptr<connection> over,
    std::array<std::string_view, 2> request,
    std::chrono::milliseconds write_stall,
    std::chrono::milliseconds timeout) {
    exchanged result;
    const std::array<std::string_view, 3> parts{request[0], request[1], {}};
    const auto ec = co_await over->write(parts, write_stall);
    // A server that refuses early answers before it has read everything: the answer counts.
    result.was_written = !ec;
    const auto executor = co_await asio::this_coro::executor;
    const auto expired = std::make_shared<bool>(false);
    asio::steady_timer deadline(executor, ec ? std::min(timeout, write_stall) : timeout);
    deadline.async_wait([over, expired](boost::system::error_code stopped) {
        if (!stopped) {
            *expired = true;
            over->close();
        }
    });
    const std::error_code end_of_stream = boost::system::error_code(asio::error::eof);
    http_answer_reader reader;
    std::array<char, 4096> buffer;
    while (true) {
        const auto got = co_await over->read(buffer.data(), buffer.size());
        using progress = http_answer_reader::progress;
        auto now = progress::broken;
        if (got) {
            now = reader.append({buffer.data(), *got});
        } else if (got.error() == end_of_stream) {
            now = reader.end();
        }
        if (now == progress::broken) {
            result.has_timed_out = *expired;
            result.why = *expired                 ? "no answer in time"
                         : !reader.what().empty() ? reader.what()
                         : ec                     ? ec.message()
                                                  : got.error().message();
            break;
        }
        if (now == progress::whole) {
            result.is_answered = true;
            result.answer = reader.take();
            break;
        }
    }
    result.has_begun = reader.has_begun();
    deadline.cancel();
    if (!result.is_answered || !result.answer.is_reusable || !result.was_written) {
        over->close();
    }
    co_return result;
}

bool is_header_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    });
}

} // namespace monarc::transport
