#include "destinations/monasca.hpp"

#include "transport/http.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <ctime>
#include <utility>

namespace monarc::destinations {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// The table on top of delivery.md, and D-6.8.
constexpr std::chrono::seconds resolve_timeout{5};
constexpr std::chrono::seconds connect_timeout{3};
constexpr std::chrono::seconds tls_timeout{5};
constexpr std::chrono::milliseconds longest_idle{1500};
constexpr std::chrono::seconds write_stall{10};
constexpr std::size_t slowest_bytes_per_second = 100 * 1024;

transport::http_url url_of(const monasca_options& options) {
    auto url = transport::parse_http_url(options.url);
    if (!url) {
        throw std::system_error(
            errc::bad_options,
            fmt::format(
                "monasca.url must be http://host[:port]/v2.0 without user, query or fragment, got "
                "'{}'",
                options.url));
    }
    return std::move(*url);
}

// Section 5: nothing that some server does not take.
secret request_head_of(const transport::http_url& url, const secret& token) {
    auto head = fmt::format("POST {}/metrics HTTP/1.1\r\nHost: {}\r\n", url.path, url.authority);
    if (!token.is_empty()) {
        head += "X-Auth-Token: ";
        head += token.reveal();
        head += "\r\n";
    }
    head += "Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: monarc\r\n";
    return secret(head);
}

} // namespace

monasca::monasca(
    asio::any_io_executor executor,
    const settings& s,
    std::span<std::atomic<int>, max_connections> descriptors)
    : executor_(executor), response_timeout_(s.response_timeout), url_(url_of(s.options)),
      request_head_(request_head_of(url_, s.options.token)),
      wire_(s.max_retry_after, s.options.compression), resolver_(std::move(executor)) {
    if (url_.is_tls) {
        if (const auto wrong = tls_.load(s.tls); !wrong.empty()) {
            throw std::system_error(errc::bad_options, "tls." + wrong);
        }
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        lines_[i].descriptor = &descriptors[i];
    }
}

monasca::~monasca() {
    abandon();
}

// The one used last, so that the others grow old and are not used again.
monasca::line* monasca::free_line() noexcept {
    line* best = nullptr;
    for (auto& one : lines_) {
        if (!one.is_busy && (best == nullptr || one.idle_since > best->idle_since)) {
            best = &one;
        }
    }
    return best;
}

// Returns: why not; without a reason it is connected.
asio::awaitable<outcome> monasca::connect(line& on) {
    outcome failed;
    auto resolved = co_await resolver_.resolve(url_.host, url_.port, resolve_timeout);
    if (!resolved) {
        failed.why = fmt::format("resolve {}: {}", url_.host, resolved.error().message());
        co_return failed;
    }
    if (is_abandoned_) {
        failed.why = "given up at close";
        co_return failed;
    }
    on.stream = std::make_shared<transport::connection>(executor_, *on.descriptor);
    const auto stream = on.stream;
    auto ec = co_await stream->open(*resolved, connect_timeout);
    if (ec) {
        resolver_.forget();
        failed.why = fmt::format("connect {}: {}", url_.authority, ec.message());
        co_return failed;
    }
    if (url_.is_tls && !is_abandoned_) {
        ec = co_await stream->secure(tls_, url_.host, tls_timeout);
    }
    if (is_abandoned_) { // the connect went on behind close(), with the next address
        stream->close();
        failed.why = "given up at close";
        co_return failed;
    }
    if (ec) { // D-5.10: never plain instead
        failed.kind = transport::is_tls_refusal(ec) ? failure::config : failure::network;
        failed.why = fmt::format(
            "TLS with {}: {}",
            url_.authority,
            stream->what().empty() ? ec.message() : stream->what());
        co_return failed;
    }
    ++connections_;
    co_return failed;
}

asio::awaitable<outcome> monasca::attempt(line& on, std::shared_ptr<const payload> p) {
    outcome result;
    const bool is_fresh = on.stream == nullptr || !on.stream->is_open() ||
                          steady::now() - on.idle_since > longest_idle ||
                          on.stream->is_worn(resolver_, tls_);
    if (is_fresh) {
        if (on.stream != nullptr) {
            on.stream->close();
        }
        result = co_await connect(on);
        if (!result.why.empty()) {
            co_return result;
        }
    }
    const auto stream = on.stream;
    const secret head(fmt::format(
        "{}{}Content-Length: {}\r\n\r\n",
        request_head_.reveal(),
        p->is_gzip ? "Content-Encoding: gzip\r\n" : "",
        p->body.size()));
    const std::array<std::string_view, 2> request{head.reveal(), p->body};
    const auto patience = response_timeout_ + std::chrono::milliseconds(
                                                  p->body.size() * 1000 / slowest_bytes_per_second);
    const auto begin = steady::now();
    auto got = co_await transport::exchange(stream, request, write_stall, patience);
    const auto end = steady::now();
    if (!got.is_answered) {
        result.what =
            !is_fresh && !got.has_begun && !got.has_timed_out ? verdict::again : verdict::retry;
        result.was_written = got.was_written;
        result.was_unanswered = got.has_timed_out;
        result.kind = transport::is_tls_refusal(got.error) ? failure::config : failure::network;
        result.why = fmt::format("POST {}/metrics: {}", url_.text(), got.why);
        co_return result;
    }
    const exchange_facts how{
        .wall_seconds = std::time(nullptr),
        .now = end,
        .took = std::chrono::duration_cast<std::chrono::milliseconds>(end - begin),
        .was_gzip = p->is_gzip};
    result = wire_.judge(got.answer, how);
    if (!result.why.empty()) {
        result.why = fmt::format("POST {}/metrics: {}", url_.text(), result.why);
    }
    if (got.answer.status >= 500) { // another worker may be better (section 4)
        stream->close();
    }
    co_return result;
}

asio::awaitable<outcome> monasca::send(std::shared_ptr<const payload> p) {
    auto* const on = free_line();
    assert(on != nullptr); // no more are in flight than there are lines
    const line_in_use busy(*on);
    auto result = co_await attempt(*on, std::move(p));
    if (is_abandoned_ && result.what != verdict::delivered) {
        result.what = verdict::abandoned;
    }
    co_return result;
}

void monasca::abandon() noexcept {
    is_abandoned_ = true;
    resolver_.cancel();
    for (auto& one : lines_) {
        if (one.stream != nullptr) {
            one.stream->close();
        }
    }
}

} // namespace monarc::destinations
