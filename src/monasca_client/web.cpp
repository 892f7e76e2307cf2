#include "monasca_client/web.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace monarc::monasca_client {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds tls_timeout{5};
constexpr std::size_t max_header_bytes = 32 * 1024;

secret head_of(const web_request& request) {
    auto head = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: monarc\r\n",
        request.method,
        request.target,
        request.to->authority);
    if (!request.body.empty()) {
        head += "Content-Type: application/json\r\n";
    }
    if (!request.body.empty() || request.method != "GET") {
        fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
    }
    if (request.token != nullptr) {
        const auto token = request.token->reveal();
        head.reserve(head.size() + token.size() + 32);
        head += "X-Auth-Token: ";
        head += token;
        head += "\r\n";
    }
    head += "\r\n";
    secret whole(head);
    ::explicit_bzero(head.data(), head.size());
    return whole;
}

milliseconds left_until(steady::time_point deadline) {
    return std::max(std::chrono::ceil<milliseconds>(deadline - steady::now()), milliseconds(1));
}

} // namespace

web::web(const tls_options& tls, milliseconds connect_timeout)
    : tls_(tls), connect_timeout_(connect_timeout) {}

web::~web() = default;

asio::awaitable<web_answer>
web::connect(const web_request& request, line& on, milliseconds timeout) {
    const auto deadline = steady::now() + std::min(timeout, connect_timeout_);
    const auto& to = *request.to;
    web_answer failed;
    transport::resolver resolver(io_.get_executor());
    auto resolved = co_await resolver.resolve(to.host, to.port, left_until(deadline));
    if (!resolved) {
        failed.error = resolved.error();
        failed.why = failed.error.message();
        co_return failed;
    }
    auto stream = std::make_shared<transport::connection>(io_.get_executor(), on.descriptor);
    failed.error = co_await stream->open(*resolved, left_until(deadline));
    if (!failed.error && to.is_tls) {
        const auto handshake = std::min<milliseconds>(tls_timeout, left_until(deadline));
        failed.error = co_await stream->secure(*context_, to.host, handshake);
        failed.is_tls = static_cast<bool>(failed.error);
    }
    if (failed.error) {
        failed.why = stream->what().empty() ? failed.error.message() : stream->what();
    } else {
        on.stream = std::move(stream);
    }
    co_return failed;
}

// `may_repeat`: the connection was an old one, and its peer had left before it answered anything.
asio::awaitable<web_answer>
web::attempt(const web_request& request, std::string_view head, line& on, bool& may_repeat) {
    const auto deadline = steady::now() + request.timeout;
    const bool is_fresh = on.stream == nullptr || !on.stream->is_open();
    web_answer result;
    if (is_fresh) {
        result = co_await connect(request, on, request.timeout);
        if (result.error) {
            co_return result;
        }
    }
    const std::array<std::string_view, 2> parts{head, request.body};
    const transport::http_limits limits{
        .header_bytes = max_header_bytes, .body_bytes = max_body_bytes};
    const auto stream = on.stream;
    const auto patience = left_until(deadline);
    auto got = co_await transport::exchange(stream, parts, patience, patience, limits);
    may_repeat = !is_fresh && !got.is_answered && !got.has_begun && !got.has_timed_out;
    result.is_answered = got.is_answered;
    result.http = std::move(got.answer);
    if (!got.is_answered) {
        result.error = got.has_timed_out ? std::make_error_code(std::errc::timed_out)
                       : got.error       ? got.error
                                         : make_error_code(errc::bad_data);
        result.is_tls = transport::is_tls_refusal(got.error);
        result.why = std::move(got.why);
    }
    co_return result;
}

web_answer web::exchange(const web_request& request) {
    if (request.to->is_tls && !context_) {
        auto made = std::make_unique<transport::tls_context>();
        if (const auto wrong = made->load(tls_); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
        context_ = std::move(made);
    }
    const auto head = head_of(request);
    auto& on = lines_[(request.to->is_tls ? "s " : "p ") + request.to->authority];
    web_answer result;
    bool may_repeat = true;
    for (int tries = 0; tries < 2 && may_repeat; ++tries) {
        may_repeat = false;
        std::exception_ptr broken;
        auto work = attempt(request, head.reveal(), on, may_repeat);
        asio::co_spawn(io_, std::move(work), [&](std::exception_ptr thrown, web_answer got) {
            broken = std::move(thrown);
            result = std::move(got);
        });
        io_.restart();
        io_.run();
        if (broken) {
            std::rethrow_exception(broken);
        }
    }
    return result;
}

} // namespace monarc::monasca_client
