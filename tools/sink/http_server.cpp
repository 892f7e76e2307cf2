#include "sink/http_server.hpp"

#include "core/start_thread.hpp"
#include "sink/http_head.hpp"
#include "sink/json_members.hpp"
#include "sink/start_error.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

namespace monarc::sink {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto accept_pause = 100ms; // after the system refused a descriptor
constexpr auto farewell = 1s;        // for a peer to read an answer before the connection ends
constexpr std::size_t read_bytes = std::size_t{16} << 10;
constexpr std::size_t keep_bytes = std::size_t{64} << 10; // an empty buffer beyond it is given back
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

asio::ip::address to_address(const std::string& host) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec)
        throw start_error(fmt::format(
            "sink: --host {}: not an IP address; give one of this machine, or localhost", host));
    return address;
}

http_response in_words(int status, std::string why) {
    http_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "text/plain");
    response.body = std::move(why) + "\n";
    return response;
}

} // namespace

// Everything but port(), counts() and stop() runs on `thread_`.
class http_server::state {
public:
    state(http_options wanted, serve_function serve);
    ~state() { stop(); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    http_counts counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }
    void stop();

private:
    struct connection {
        connection(tcp::socket&& socket, std::size_t its_number)
            : stream(std::move(socket)), number(its_number) {}

        beast::tcp_stream stream;
        std::size_t number;
        std::string held;              ///< Bytes that were read and not used.
        std::size_t counted_bytes = 0; ///< Of buffered_bytes_.
        bool is_inside = false;        ///< A request has begun and was not answered.
    };
    using connection_ptr = std::shared_ptr<connection>;

    // How reading ended.
    enum class reading { whole, closed, slow, refused };
    struct incoming {
        http_head head;
        http_response refusal; ///< What to say before closing.
    };

    void listen();
    void run() noexcept;
    void admit(tcp::socket socket);
    asio::awaitable<void> accept_all();
    asio::awaitable<void> serve(connection_ptr c);
    asio::awaitable<reading> read_request(connection_ptr c, incoming& into, bool is_first);
    asio::awaitable<reading> read_head_bytes(connection_ptr c, incoming& into, bool is_first);
    asio::awaitable<reading> read_body(connection_ptr c, incoming& into);
    asio::awaitable<reading> read_some(connection_ptr c, std::size_t max_bytes);
    asio::awaitable<bool> send(connection_ptr c, std::string bytes);
    asio::awaitable<bool> carry_out(connection_ptr c, http_answer answer, const http_head& head);
    asio::awaitable<void> say_farewell(connection_ptr c);
    reading refuse(incoming& into, int status, std::string why);
    void end(connection& c);
    bool account(connection& c);

    template <class Change>
    void count(Change change) {
        const std::lock_guard lock(mutex_);
        change(counts_);
    }

    http_options options_;
    serve_function serve_;
    std::unordered_set<connection*> open_;
    std::size_t buffered_bytes_ = 0;
    std::uint16_t port_ = 0;

    mutable std::mutex mutex_; // guards counts_
    http_counts counts_;

    std::mutex stop_mutex_;
    // Destroyed first, and with it the coroutines, whose frames refer to what is above.
    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_};
    std::thread thread_;
};

http_server::state::state(http_options wanted, serve_function serve)
    : options_(std::move(wanted)), serve_(std::move(serve)) {
    listen();
    asio::co_spawn(io_, accept_all(), asio::detached);
    thread_ = start_thread([this] { run(); });
}

void http_server::state::run() noexcept {
    while (true) {
        try {
            io_.run();
            return;
        } catch (const std::exception& bug) {
            if (options_.log)
                options_.log(fmt::format("sink: http: unexpected: {}; going on", bug.what()));
        }
    }
}

void http_server::state::listen() {
    const tcp::endpoint local(to_address(options_.host), options_.port);
    boost::system::error_code ec;
    acceptor_.open(local.protocol(), ec);
    if (!ec)
        acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec)
        acceptor_.bind(local, ec);
    if (!ec)
        acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
        throw start_error(fmt::format(
            "sink: listen on {}:{}: {}; give another --{}, or 0 for any that is free",
            options_.host,
            options_.port,
            ec.message(),
            options_.port_option));
    port_ = acceptor_.local_endpoint().port();
}

asio::awaitable<void> http_server::state::accept_all() {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    asio::steady_timer pause(io_);
    while (true) {
        tcp::socket socket = co_await acceptor_.async_accept(into_ec);
        if (ec == asio::error::operation_aborted)
            co_return;
        if (!ec) {
            admit(std::move(socket));
            continue;
        }
        // No descriptors, most likely: those that are open go on.
        pause.expires_after(accept_pause);
        co_await pause.async_wait(into_ec);
    }
}

void http_server::state::admit(tcp::socket socket) {
    std::size_t number = 0;
    const bool is_one_too_many = open_.size() >= options_.limits.max_connections;
    count([&](http_counts& n) {
        number = ++n.connections;
        n.too_many += is_one_too_many ? 1 : 0;
    });
    if (is_one_too_many)
        return; // the socket closes itself
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto c = std::make_shared<connection>(std::move(socket), number);
    open_.insert(c.get());
    count([this](http_counts& n) { n.open_connections = open_.size(); });
    asio::co_spawn(io_, serve(c), [this, c](std::exception_ptr) { end(*c); });
}

void http_server::state::end(connection& c) {
    open_.erase(&c);
    buffered_bytes_ -= c.counted_bytes;
    count([&](http_counts& n) {
        n.open_connections = open_.size();
        n.unfinished += c.is_inside ? 1 : 0;
    });
    boost::system::error_code ignored;
    c.stream.socket().close(ignored);
}

asio::awaitable<void> http_server::state::serve(connection_ptr c) {
    bool goes_on = true;
    for (bool is_first = true; goes_on; is_first = false) {
        incoming in;
        const auto how = co_await read_request(c, in, is_first);
        if (how == reading::slow)
            count([](http_counts& n) { ++n.too_slow; });
        if (how == reading::closed || how == reading::slow)
            co_return;
        http_answer answer;
        if (how == reading::refused) {
            answer.response = std::move(in.refusal);
            answer.then = http_answer::ending::close;
        } else {
            count([](http_counts& n) { ++n.requests; });
            in.head.request.connection = c->number;
            answer = serve_(in.head.request);
        }
        in.head.request.body = std::string();
        (void)account(*c);
        c->is_inside = false;
        goes_on = co_await carry_out(c, std::move(answer), in.head);
    }
}

// Counts what the connection holds; false if all of them together hold too much.
bool http_server::state::account(connection& c) {
    const auto holds = c.held.capacity();
    buffered_bytes_ += holds - c.counted_bytes;
    c.counted_bytes = holds;
    return buffered_bytes_ <= options_.limits.max_buffered_bytes;
}

http_server::state::reading
http_server::state::refuse(incoming& into, int status, std::string why) {
    const bool is_large = status != 400;
    count([is_large](http_counts& n) { ++(is_large ? n.too_large : n.malformed); });
    into.refusal = in_words(status, std::move(why));
    return reading::refused;
}

// Reads what there is, at most so much; the deadline was set by the caller.
asio::awaitable<http_server::state::reading>
http_server::state::read_some(connection_ptr c, std::size_t max_bytes) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    const auto before = c->held.size();
    const auto room = std::min(max_bytes, read_bytes);
    if (c->held.capacity() - before < room) // doubles, whatever length the peer claims
        c->held.reserve(std::max(before + room, std::min(2 * before, before + max_bytes)));
    c->held.resize(before + room);
    const asio::mutable_buffer into(c->held.data() + before, room);
    const std::size_t got = co_await c->stream.async_read_some(into, into_ec);
    c->held.resize(before + got);
    count([got](http_counts& n) { n.bytes_received += got; });
    if (ec == beast::error::timeout)
        co_return reading::slow;
    co_return ec ? reading::closed : reading::whole;
}

asio::awaitable<http_server::state::reading>
http_server::state::read_request(connection_ptr c, incoming& into, bool is_first) {
    const auto how = co_await read_head_bytes(c, into, is_first);
    if (how != reading::whole)
        co_return how;
    const auto& limits = options_.limits;
    auto& head = into.head;
    if (head.content_length > limits.max_body_bytes)
        co_return refuse(
            into,
            413,
            fmt::format(
                "a body of {} bytes; {} are allowed", head.content_length, limits.max_body_bytes));
    if (head.request.is_chunked)
        co_return reading::whole;
    const auto how_body = co_await read_body(c, into);
    co_return how_body;
}

asio::awaitable<http_server::state::reading>
http_server::state::read_head_bytes(connection_ptr c, incoming& into, bool is_first) {
    const auto& limits = options_.limits;
    const auto patience = is_first ? limits.idle_timeout : limits.keep_alive;
    c->stream.expires_after(patience);
    bool is_timed = false;
    std::size_t searched = 0;
    while (true) {
        if (searched < 2 && c->held.starts_with("\r\n")) { // RFC 9112, 2.2
            c->held.erase(0, 2);
            searched = 0;
        }
        const auto end = end_of_head(c->held, searched);
        if (end == std::string::npos ? c->held.size() >= limits.max_header_bytes
                                     : end > limits.max_header_bytes)
            co_return refuse(
                into, 431, fmt::format("a header of more than {} bytes", limits.max_header_bytes));
        if (end != std::string::npos) {
            auto why = read_head(std::string_view(c->held).substr(0, end), into.head);
            c->held.erase(0, end);
            if (!why.empty())
                co_return refuse(into, 400, std::move(why));
            co_return reading::whole;
        }
        searched = c->held.size();
        if (searched != 0 && !is_timed) {
            is_timed = c->is_inside = true;
            c->stream.expires_after(limits.header_timeout);
        }
        const auto how = co_await read_some(c, limits.max_header_bytes);
        if (how == reading::slow && searched == 0)
            co_return reading::closed; // idle: nothing was begun
        if (how != reading::whole)
            co_return how;
    }
}

asio::awaitable<http_server::state::reading>
http_server::state::read_body(connection_ptr c, incoming& into) {
    const auto length = static_cast<std::size_t>(into.head.content_length);
    c->is_inside = true;
    if (into.head.expects_continue && c->held.size() < length) {
        const bool is_sent = co_await send(c, std::string(go_on));
        if (!is_sent)
            co_return reading::closed;
    }
    while (c->held.size() < length) {
        c->stream.expires_after(options_.limits.idle_timeout);
        const auto how = co_await read_some(c, length - c->held.size());
        if (how != reading::whole)
            co_return how;
        if (!account(*c))
            co_return refuse(into, 503, "too much is arriving at once");
    }
    auto& body = into.head.request.body;
    if (c->held.size() == length) {
        body = std::exchange(c->held, std::string());
    } else {
        body = c->held.substr(0, length);
        c->held.erase(0, length);
    }
    co_return reading::whole;
}

asio::awaitable<bool> http_server::state::send(connection_ptr c, std::string bytes) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    const asio::const_buffer all(bytes.data(), bytes.size());
    // A peer that never reads its answers holds up itself only, and not for ever.
    c->stream.expires_after(options_.limits.idle_timeout);
    co_await asio::async_write(c->stream, all, into_ec);
    co_return !ec;
}

// Returns: whether the connection goes on.
asio::awaitable<bool>
http_server::state::carry_out(connection_ptr c, http_answer answer, const http_head& head) {
    using ending = http_answer::ending;
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    if (answer.wait > 0ms) {
        asio::steady_timer timer(io_, answer.wait);
        co_await timer.async_wait(into_ec);
    }
    // What follows a body that was not read is no request.
    const bool keeps_alive = answer.then == ending::as_asked && head.keeps_alive &&
                             !head.request.is_chunked && options_.limits.keep_alive > 0ms;
    if (!answer.is_silent) {
        auto wire = std::move(answer.raw);
        if (wire.empty())
            wire = to_wire(answer.response, keeps_alive, head.request.method == "HEAD");
        const bool is_sent = co_await send(c, std::move(wire));
        if (!is_sent)
            co_return false;
    }
    if (answer.then == ending::reset) {
        c->stream.socket().set_option(asio::socket_base::linger(true, 0), ec);
        co_return false;
    }
    if (answer.then == ending::half_close)
        c->stream.socket().shutdown(tcp::socket::shutdown_send, ec);
    if (answer.then == ending::stall || answer.then == ending::half_close) {
        auto how = reading::whole;
        while (how == reading::whole) {
            c->held.clear();
            c->stream.expires_never();
            how = co_await read_some(c, read_bytes);
        }
        co_return false;
    }
    if (keeps_alive) {
        if (c->held.empty() && c->held.capacity() > keep_bytes)
            c->held = std::string();
        (void)account(*c);
        co_return true;
    }
    if (!answer.is_silent)
        co_await say_farewell(c);
    co_return false;
}

// A close with bytes unread would reset the connection, and could take the answer with it.
asio::awaitable<void> http_server::state::say_farewell(connection_ptr c) {
    boost::system::error_code ec;
    c->stream.socket().shutdown(tcp::socket::shutdown_send, ec);
    c->stream.expires_after(farewell);
    auto how = reading::whole;
    while (!ec && how == reading::whole) {
        c->held.clear();
        how = co_await read_some(c, read_bytes);
    }
    c->is_inside = false;
}

void http_server::state::stop() {
    const std::lock_guard one_at_a_time(stop_mutex_);
    io_.stop();
    if (thread_.joinable())
        thread_.join();
    // The thread has ended: what was its own is ours now.
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto* c : open_)
        c->stream.socket().close(ignored);
}

std::string to_json(const http_counts& n) {
    std::string out;
    json_members(out)
        .number("connections", n.connections)
        .number("open_connections", n.open_connections)
        .number("requests", n.requests)
        .number("bytes_received", n.bytes_received)
        .number("too_many", n.too_many)
        .number("too_large", n.too_large)
        .number("malformed", n.malformed)
        .number("too_slow", n.too_slow)
        .number("unfinished", n.unfinished)
        .end();
    return out;
}

http_server::http_server(http_options wanted, serve_function serve)
    : state_(std::make_unique<state>(std::move(wanted), std::move(serve))) {}

http_server::~http_server() = default;

std::uint16_t http_server::port() const noexcept {
    return state_->port();
}

http_counts http_server::counts() const {
    return state_->counts();
}

void http_server::stop() {
    state_->stop();
}

} // namespace monarc::sink
