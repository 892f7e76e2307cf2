#include "transport/http_peer.hpp"

#include <fmt/format.h>

#include <utility>

namespace monarc::transport {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// D-6.8.
constexpr std::chrono::seconds resolve_timeout{5};
constexpr std::chrono::seconds tls_timeout{5};
constexpr std::chrono::seconds write_stall{10};
constexpr std::size_t slowest_bytes_per_second = 100 * 1024;

} // namespace

http_peer::http_peer(
    asio::any_io_executor executor,
    tls_context& tls,
    std::atomic<int>& descriptor,
    const http_waits& waits)
    : executor_(executor), tls_(tls), descriptor_(descriptor), waits_(waits),
      resolver_(std::move(executor)) {}

http_peer::~http_peer() {
    abandon();
}

asio::awaitable<http_exchange> http_peer::connect(http_url to) {
    http_exchange way;
    auto resolved = co_await resolver_.resolve(to.host, to.port, resolve_timeout);
    if (!resolved) {
        way.got.why = fmt::format("resolve {}: {}", to.host, resolved.error().message());
        co_return way;
    }
    if (is_abandoned_) {
        way.got.why = "given up at close";
        co_return way;
    }
    stream_ = std::make_shared<connection>(executor_, descriptor_);
    const auto stream = stream_;
    auto ec = co_await stream->open(*resolved, waits_.connect);
    if (ec) {
        resolver_.forget();
        way.got.why = fmt::format("connect {}: {}", to.authority, ec.message());
        co_return way;
    }
    if (to.is_tls && !is_abandoned_) {
        ec = co_await stream->secure(tls_, to.host, tls_timeout);
    }
    if (is_abandoned_) { // connects went on behind close(), with the next address
        stream->close();
        way.got.why = "given up at close";
        co_return way;
    }
    if (ec) { // D-5.10: never plain instead
        way.is_refusal = is_tls_refusal(ec);
        way.got.why = fmt::format(
            "TLS with {}: {}",
            to.authority,
            stream->what().empty() ? ec.message() : stream->what());
        co_return way;
    }
    ++connections_;
    authority_ = to.authority;
    way.was_connected = true;
    co_return way;
}

asio::awaitable<http_exchange>
http_peer::exchange(http_url to, std::array<std::string_view, 2> request, http_limits limits) {
    http_exchange made;
    made.was_reused = stream_ != nullptr && stream_->is_open() && authority_ == to.authority &&
                      steady::now() - idle_since_ <= waits_.idle &&
                      !stream_->is_worn(resolver_, tls_);
    made.was_connected = made.was_reused;
    if (!made.was_reused) {
        close();
        made = co_await connect(to);
        if (!made.was_connected) {
            close();
            co_return made;
        }
    }
    const auto stream = stream_;
    const auto bytes = request[0].size() + request[1].size();
    const auto patience =
        waits_.answer + std::chrono::milliseconds(bytes * 1000 / slowest_bytes_per_second);
    made.got = co_await transport::exchange(stream, request, write_stall, patience, limits);
    made.is_refusal = !made.got.is_answered && is_tls_refusal(made.got.error);
    idle_since_ = steady::now();
    co_return made;
}

void http_peer::close() noexcept {
    if (stream_ != nullptr) {
        stream_->close();
    }
}

void http_peer::abandon() noexcept {
    is_abandoned_ = true;
    resolver_.cancel();
    close();
}

} // namespace monarc::transport
