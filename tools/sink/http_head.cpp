#include "sink/http_head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/none.hpp>

#include <algorithm>
#include <cstddef>

namespace monarc::sink {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view head_end = "\r\n\r\n";

bool has_fold(std::string_view bytes) noexcept {
    return bytes.find("\r\n ") != std::string_view::npos ||
           bytes.find("\r\n\t") != std::string_view::npos;
}

std::size_t count_of(const http_fields& fields, std::string_view lower_name) {
    return static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), [&](const auto& f) {
        return boost::beast::iequals(f.first, {lower_name.data(), lower_name.size()});
    }));
}

} // namespace

std::size_t end_of_head(std::string_view held, std::size_t searched) noexcept {
    const auto from = searched < head_end.size() ? 0 : searched - (head_end.size() - 1);
    const auto found = held.find(head_end, from);
    return found == std::string_view::npos ? found : found + head_end.size();
}

std::string read_head(std::string_view bytes, http_head& into) {
    if (has_fold(bytes))
        return "a header field is folded";
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
    parser.body_limit(boost::none);
    boost::system::error_code ec;
    parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    if (ec && ec != http::error::need_more)
        return ec.message();
    if (!parser.is_header_done())
        return "the header is not whole";

    const auto& message = parser.get();
    auto& request = into.request;
    for (const auto& field : message)
        request.fields.emplace_back(
            std::string(field.name_string().data(), field.name_string().size()),
            std::string(field.value().data(), field.value().size()));
    const auto lengths = count_of(request.fields, "content-length");
    const auto codings = count_of(request.fields, "transfer-encoding");
    if (lengths > 1)
        return "more than one Content-Length";
    if (lengths != 0 &&
        request.field("content-length").find_first_not_of("0123456789") != std::string_view::npos)
        return "a Content-Length that is no number";
    if (lengths != 0 && codings != 0)
        return "Content-Length and Transfer-Encoding";
    if (codings > 1 || (codings == 1 && !parser.chunked()))
        return "a Transfer-Encoding other than chunked";

    const auto target = message.target();
    const std::string_view whole(target.data(), target.size());
    const auto mark = std::min(whole.find('?'), whole.size());
    request.method = std::string(message.method_string().data(), message.method_string().size());
    request.path = whole.substr(0, mark);
    request.query = whole.substr(std::min(mark + 1, whole.size()));
    request.is_chunked = codings != 0;
    if (request.path.empty() || request.path.front() != '/')
        return "a target that is no path";
    const auto length = parser.content_length();
    into.content_length = length ? *length : 0;
    into.keeps_alive = message.keep_alive();
    into.expects_continue = boost::beast::iequals(message[http::field::expect], "100-continue");
    return {};
}

} // namespace monarc::sink
