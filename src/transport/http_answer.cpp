#include "transport/http_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr int most_interim = 8;
constexpr std::size_t max_shown_bytes = 200; // of a text of the peer's, in the log

std::string on_one_line(std::string_view text) {
    std::string line;
    for (const char c : text.substr(0, max_shown_bytes)) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    return line;
}

} // namespace

std::string refusal_text(const http_answer& answer) {
    return fmt::format(
        "{} {}{}{}",
        answer.status,
        on_one_line(answer.reason),
        answer.body.empty() ? "" : ": ",
        on_one_line(answer.body));
}

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
                if (++interim_ > most_interim) {
                    return fail("too many interim answers");
                }
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
    if (!parser_->of.got_some()) { // the parser does not want to hear of it
        return fail(has_begun_ ? "closed in the middle of the answer" : "closed before an answer");
    }
    boost::beast::error_code ec;
    parser_->of.put_eof(ec);
    if (ec || !parser_->of.is_done()) {
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
    answer.content_type = std::string(message[http::field::content_type]);
    answer.location = std::string(message[http::field::location]);
    answer.subject_token = std::string(message["X-Subject-Token"]);
    answer.is_cut = is_cut_;
    return answer;
}

} // namespace monarc::transport
