#include "monasca_client/web.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
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

// As long as something is under way on a connection.
class line_in_use {
public:
    explicit line_in_use(bool& is_busy) : is_busy_(is_busy) { is_busy_ = true; }
    ~line_in_use() { is_busy_ = false; }
    line_in_use(const line_in_use&) = delete;
    line_in_use& operator=(const line_in_use&) = delete;

private:
    bool& is_busy_;
};

} // namespace

web::web(asio::any_io_executor where, const tls_options& tls, milliseconds connect_timeout)
    : where_(std::move(where)), tls_(tls), connect_timeout_(connect_timeout) {}

web::~web() = default;

// One after the other, so that a stop is not mistaken for an address that does not answer.
asio::awaitable<std::error_code> web::open(
    stopping& stop,
    std::shared_ptr<transport::connection> stream,
    transport::endpoints peers,
    steady::time_point deadline) {
    auto failure = std::make_error_code(std::errc::address_not_available);
    const stop_by closing(stop, [stream] { stream->close(); });
    for (const auto& peer : peers) {
        auto patience = left_until(deadline);
        if (&peer != &peers.back()) {
            patience = std::max(patience / 2, milliseconds(1));
        }
        const transport::endpoints one{peer};
        failure = co_await stream->open(one, patience);
        if (!failure || stop.is_asked_for()) {
            break;
        }
    }
    co_return failure;
}

asio::awaitable<web_answer> web::connect(stopping& stop, const web_request& request, line& on) {
    const auto deadline = std::min(request.deadline, steady::now() + connect_timeout_);
    const auto& to = *request.to;
    web_answer failed;
    transport::endpoints peers;
    {
        transport::resolver resolver(where_);
        const stop_by leaving(stop, [&resolver] { resolver.cancel(); });
        auto resolved = co_await resolver.resolve(to.host, to.port, left_until(deadline));
        if (!resolved) {
            failed.error = resolved.error();
            failed.why = failed.error.message();
            co_return failed;
        }
        peers = std::move(*resolved);
    }
    auto stream = std::make_shared<transport::connection>(where_, on.descriptor);
    failed.error = co_await open(stop, stream, std::move(peers), deadline);
    if (!failed.error && to.is_tls) {
        const stop_by closing(stop, [stream] { stream->close(); });
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
asio::awaitable<web_answer> web::attempt(
    stopping& stop, const web_request& request, std::string_view head, line& on, bool& may_repeat) {
    const bool is_fresh = !on.is_open();
    web_answer result;
    if (is_fresh) {
        result = co_await connect(stop, request, on);
        if (result.error) {
            co_return result;
        }
    }
    const std::array<std::string_view, 2> parts{head, request.body};
    const transport::http_limits limits{
        .header_bytes = max_header_bytes, .body_bytes = request.max_body_bytes};
    const auto stream = on.stream;
    const stop_by closing(stop, [stream] { stream->close(); });
    const auto patience = left_until(request.deadline);
    auto got = co_await transport::exchange(stream, parts, patience, patience, limits);
    may_repeat = !is_fresh && !got.is_answered && !got.has_begun && !got.has_timed_out &&
                 !stop.is_asked_for();
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

// The open one used last: the others grow old, and their peers leave.
web::line& web::free_line(lines& of) {
    auto found = std::find_if(
        of.begin(), of.end(), [](const line& one) { return !one.is_busy && one.is_open(); });
    if (found == of.end()) {
        found = std::find_if(of.begin(), of.end(), [](const line& one) { return !one.is_busy; });
    }
    if (found == of.end()) {
        return of.emplace_front();
    }
    of.splice(of.begin(), of, found);
    return of.front();
}

asio::awaitable<web_answer> web::exchange(stopping& stop, const web_request& request) {
    if (request.to->is_tls && !context_) {
        auto made = std::make_unique<transport::tls_context>();
        if (const auto wrong = made->load(tls_); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
        context_ = std::move(made);
    }
    const auto head = head_of(request);
    auto& on = free_line(lines_[(request.to->is_tls ? "s " : "p ") + request.to->authority]);
    const line_in_use busy(on.is_busy);
    web_answer result;
    bool may_repeat = true;
    for (int tries = 0; tries < 2 && may_repeat; ++tries) {
        may_repeat = false;
        result = co_await attempt(stop, request, head.reveal(), on, may_repeat);
    }
    co_return result;
}

} // namespace monarc::monasca_client
