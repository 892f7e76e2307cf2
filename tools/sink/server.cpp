#include "sink/server.hpp"

#include "auth/shared_key.hpp"
#include "core/start_thread.hpp"
#include "encode/msgpack_reader.hpp"
#include "sink/local_listener.hpp"
#include "sink/peer_stream.hpp"
#include "sink/receive_buffer.hpp"
#include "transport/digest.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace monarc::sink {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto log_interval = 60s; // the same refusal is logged once, then so often with a count
constexpr auto greeting_timeout = 10s;               // for each step of a handshake
constexpr std::string_view own_name = "monarc-sink"; // no client calls itself so
constexpr auto accept_pause = 100ms;                 // after the system refused a descriptor
constexpr std::size_t answers_at_once = std::size_t{64} << 10;
constexpr std::size_t keep_bytes = std::size_t{1} << 20; // an empty buffer beyond it is given back

event_time wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    event_time time;
    time.kind = event_time::form::nanoseconds;
    time.seconds = seconds.count();
    time.nanoseconds = static_cast<std::uint32_t>(std::chrono::nanoseconds(now - seconds).count());
    return time;
}

asio::ip::address to_address(const std::string& host) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec)
        throw start_error(fmt::format(
            "sink: --host {}: not an IP address; give one of this machine, or localhost", host));
    return address;
}

std::string name_of(const tcp::socket& socket) {
    boost::system::error_code ec;
    const auto remote = socket.remote_endpoint(ec);
    return ec ? "peer" : fmt::format("{}:{}", remote.address().to_string(), remote.port());
}
std::string name_of(const asio::local::stream_protocol::socket&) {
    return "a local peer";
}

} // namespace

// Everything but port(), snapshot(), wait_for_events(), take_rest() and stop() runs on `thread_`.
class server::state {
public:
    explicit state(options wanted);
    ~state() { stop(); }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    summary snapshot() const { return intake_.snapshot(); }
    bool wait_for_events(std::uint64_t count, std::chrono::milliseconds timeout) const;
    std::error_code
    take_rest(std::string_view end_point, std::span<const std::string> records, bool is_repeat);
    void set_answering(bool on) noexcept { intake_.set_answering(on); }
    void stop();

private:
    struct connection {
        connection(peer_stream::protocol::socket&& socket, std::string its_peer, int max_depth)
            : stream(std::move(socket)), peer(std::move(its_peer)), framer(max_depth) {}

        peer_stream stream;
        std::string peer;
        bool is_local = false;
        receive_buffer buffer;
        encode::msgpack_framer framer;
        std::string answers;
        bool is_first_byte = true;
        bool has_sent_message = false;
    };
    using connection_ptr = std::shared_ptr<connection>;
    using refused = intake::refused;

    struct repeated_log {
        std::chrono::steady_clock::time_point last{};
        std::uint64_t unsaid = 0;
        bool begun = false;
    };

    void load_tls();
    void listen();
    void run() noexcept;
    template <class Acceptor>
    asio::awaitable<void> accept_all(Acceptor& acceptor);
    asio::awaitable<void> serve(connection_ptr c);
    asio::awaitable<bool> greet(connection_ptr c);
    asio::awaitable<bool> agree_on_key(connection_ptr c);
    asio::awaitable<bool> read_more(connection_ptr c, std::chrono::milliseconds timeout);
    asio::awaitable<bool> write_answers(connection_ptr c);
    template <class Socket>
    void try_to_admit(Socket socket);
    void admit(peer_stream::protocol::socket socket, std::string peer, bool is_local);
    void shrink(connection& c) noexcept;
    bool has_room(connection& c) noexcept;
    std::optional<refused> take_all(connection& c);
    std::optional<refused> take_next(connection& c, bool& found);
    void end(connection& c, const std::optional<refused>& why);
    void refuse(const refused& why, std::string_view peer);
    void note(repeated_log& state, const std::string& line);
    void announce();

    options options_;
    transport::tls_context tls_;
    intake intake_;
    std::array<repeated_log, refusal_count> logs_{};
    repeated_log accept_log_;
    std::unordered_set<connection*> open_;
    std::size_t buffered_bytes_ = 0;
    bool goal_met_ = false;
    std::uint16_t port_ = 0;

    mutable std::mutex wait_mutex_;
    mutable std::condition_variable arrived_;
    std::uint64_t events_ = 0; // guarded by wait_mutex_, like the next
    bool stopped_ = false;

    std::mutex stop_mutex_;
    // Destroyed first, and with it the coroutines, whose frames refer to what is above.
    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_};
    local_listener local_{io_};
    std::thread thread_;
};

server::state::state(options wanted) : options_(std::move(wanted)), intake_(options_) {
    load_tls();
    listen();
    announce();
    asio::co_spawn(io_, accept_all(acceptor_), asio::detached);
    if (!options_.unix_path.empty())
        asio::co_spawn(io_, accept_all(local_.listening()), asio::detached);
    thread_ = start_thread([this] { run(); });
}

void server::state::run() noexcept {
    while (true) {
        try {
            io_.run();
            return;
        } catch (const std::exception& bug) {
            if (options_.log)
                options_.log(fmt::format("sink: unexpected: {}; going on", bug.what()));
        }
    }
}

void server::state::load_tls() {
    if (options_.tls.cert_file.empty())
        return;
    if (const auto wrong = tls_.load_server(options_.tls); !wrong.empty())
        throw start_error(fmt::format("sink: tls: {}; give PEM files that fit", wrong));
}

void server::state::listen() {
    const tcp::endpoint local(to_address(options_.host), options_.port);
    if (!local.address().is_loopback() && options_.shared_key.is_empty()) // D-13.2
        throw start_error(fmt::format(
            "sink: --host {}: beyond the loopback anybody could send; give --shared-key env:NAME "
            "or file:/path as well",
            options_.host));
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
            "sink: listen on {}:{}: {}; give another --port, or --port 0 for any that is free",
            options_.host,
            options_.port,
            ec.message()));
    port_ = acceptor_.local_endpoint().port();
    if (!options_.unix_path.empty())
        local_.open(options_.unix_path);
}

template <class Acceptor>
asio::awaitable<void> server::state::accept_all(Acceptor& acceptor) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    asio::steady_timer pause(io_);
    while (true) {
        typename Acceptor::protocol_type::socket socket = co_await acceptor.async_accept(into_ec);
        if (ec == asio::error::operation_aborted)
            co_return;
        if (!ec) {
            try_to_admit(std::move(socket));
            continue;
        }
        // No descriptors, most likely: those that are open go on.
        note(accept_log_, fmt::format("sink: accept: {}; trying again every 0.1 s", ec.message()));
        pause.expires_after(accept_pause);
        co_await pause.async_wait(into_ec);
    }
}

template <class Socket>
void server::state::try_to_admit(Socket socket) {
    constexpr bool is_local = !std::is_same_v<Socket, tcp::socket>;
    try {
        auto peer = name_of(socket);
        if constexpr (!is_local) {
            boost::system::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
        }
        admit(std::move(socket), std::move(peer), is_local);
    } catch (const std::bad_alloc&) {
        note(accept_log_, "sink: accept: out of memory; the connection was closed");
    }
}

void server::state::admit(peer_stream::protocol::socket socket, std::string peer, bool is_local) {
    intake_.count([](summary& s) { ++s.connections; });
    if (open_.size() >= options_.limits.max_connections) {
        refuse(
            {refusal::connections,
             fmt::format("{} connections are open already", options_.limits.max_connections)},
            peer);
        return; // the socket closes itself
    }
    auto c =
        std::make_shared<connection>(std::move(socket), std::move(peer), options_.limits.max_depth);
    c->is_local = is_local;
    open_.insert(c.get());
    intake_.count([this](summary& s) { s.open_connections = open_.size(); });
    asio::co_spawn(io_, serve(c), [this, c](std::exception_ptr thrown) {
        std::optional<refused> why;
        if (thrown)
            why = refused{refusal::memory, "out of memory"};
        end(*c, why);
    });
}

// Returns: false if the connection is over.
asio::awaitable<bool>
server::state::read_more(connection_ptr c, std::chrono::milliseconds timeout) {
    if (!has_room(*c)) {
        refuse({refusal::memory, "too much is arriving at once"}, c->peer);
        co_return false;
    }
    const auto before = c->buffer.capacity_bytes();
    const auto room = c->buffer.room();
    buffered_bytes_ += c->buffer.capacity_bytes() - before;
    const auto got = co_await c->stream.read(room.data(), room.size(), timeout);
    if (!got) {
        if (got.error() == std::errc::timed_out) {
            const auto seconds = static_cast<double>(timeout.count()) / 1000;
            refuse({refusal::idle, fmt::format("no byte for {} s", seconds)}, c->peer);
        }
        co_return false;
    }
    const auto count = *got;
    c->buffer.filled(count);
    intake_.count([count](summary& s) { s.bytes_received += count; });
    co_return true;
}

// A peer that never reads its answers holds up itself only, and not for ever.
asio::awaitable<bool> server::state::write_answers(connection_ptr c) {
    const auto ec = co_await c->stream.write(c->answers, options_.limits.idle_timeout);
    if (ec == std::errc::timed_out)
        refuse({refusal::idle, "its answers are not read"}, c->peer);
    c->answers.clear();
    if (c->answers.capacity() > answers_at_once)
        c->answers = std::string();
    co_return !ec;
}

// TLS, then who knows the key; nothing else is read before. Returns: false if the connection is
// over.
asio::awaitable<bool> server::state::greet(connection_ptr c) {
    if (tls_.generation() != 0 && !c->is_local) {
        const auto ec = co_await c->stream.secure(tls_, greeting_timeout);
        if (ec) {
            const auto& more = c->stream.what();
            refuse({refusal::tls, more.empty() ? ec.message() : more}, c->peer);
            co_return false;
        }
    }
    if (options_.shared_key.is_empty())
        co_return true;
    co_return co_await agree_on_key(std::move(c));
}

asio::awaitable<bool> server::state::agree_on_key(connection_ptr c) {
    const auth::shared_key_server hands(
        options_.shared_key,
        std::string(own_name),
        transport::random_bytes(16),
        !options_.deny_keepalive);
    c->answers = hands.hello();
    if (!co_await write_answers(c))
        co_return false;
    auth::ping said;
    std::size_t used = 0;
    auto now = auth::reading::partial;
    while (now == auth::reading::partial) {
        if (!co_await read_more(c, greeting_timeout))
            co_return false;
        now = auth::read(c->buffer.held(), said, used);
    }
    const auto answer = now == auth::reading::whole ? hands.judge(said) : hands.refuse();
    c->answers = answer.pong;
    const bool was_written = co_await write_answers(c);
    if (!answer.is_welcome) {
        refuse({refusal::handshake, answer.why}, c->peer);
        co_return false;
    }
    c->buffer.consume(used);
    co_return was_written;
}

asio::awaitable<void> server::state::serve(connection_ptr c) {
    if (!co_await greet(c))
        co_return;
    while (co_await read_more(c, options_.limits.idle_timeout)) {
        const auto why = take_all(*c);
        if (c->buffer.capacity_bytes() > keep_bytes)
            shrink(*c);
        bool goes_on = true;
        if (!c->answers.empty())
            goes_on = co_await write_answers(c);
        announce();
        if (why)
            refuse(*why, c->peer);
        if (why || !goes_on || (options_.deny_keepalive && c->has_sent_message))
            co_return;
    }
}

void server::state::shrink(connection& c) noexcept {
    const auto before = c.buffer.capacity_bytes();
    c.buffer.shrink();
    buffered_bytes_ -= before - c.buffer.capacity_bytes();
}

// Whether the next read fits into what all connections may hold together.
bool server::state::has_room(connection& c) noexcept {
    const auto max = options_.limits.max_buffered_bytes;
    if (buffered_bytes_ > max / 2)
        shrink(c);
    const auto growth = c.buffer.next_capacity_bytes() - c.buffer.capacity_bytes();
    return buffered_bytes_ + growth <= max;
}

// Takes every message that is complete.
std::optional<intake::refused> server::state::take_all(connection& c) {
    if (c.is_first_byte) {
        const char first = c.buffer.held().front();
        // So does Fluentd tell JSON; as MessagePack they would be integers, which nobody sends
        // first.
        if (first == '{' || first == '[')
            return refused{refusal::json, "JSON is not read here: send MessagePack"};
        c.is_first_byte = false;
    }
    bool found = true;
    while (found)
        if (auto why = take_next(c, found))
            return why;
    return std::nullopt;
}

std::optional<intake::refused> server::state::take_next(connection& c, bool& found) {
    const auto held = c.buffer.held();
    const auto status = c.framer.scan(held);
    found = status == encode::read_status::ok;
    if (status == encode::read_status::malformed)
        return refused{
            refusal::malformed,
            fmt::format("no MessagePack, or nested deeper than {}", options_.limits.max_depth)};
    if (c.framer.size() > options_.limits.max_message_bytes)
        return refused{
            refusal::too_large,
            fmt::format(
                "a message of {} bytes or more, {} are allowed",
                c.framer.size(),
                options_.limits.max_message_bytes)};
    if (!found)
        return std::nullopt;

    c.has_sent_message = true;
    auto why = intake_.take(held.substr(0, c.framer.size()), wall_clock(), c.answers);
    c.buffer.consume(c.framer.size());
    c.framer.reset();
    return why;
}

void server::state::end(connection& c, const std::optional<refused>& why) {
    if (why)
        refuse(*why, c.peer);
    buffered_bytes_ -= c.buffer.capacity_bytes();
    open_.erase(&c);
    const bool inside = !c.buffer.held().empty();
    intake_.count([this, inside](summary& s) {
        s.open_connections = open_.size();
        s.unfinished += inside ? 1 : 0;
    });
    c.stream.close();
}

void server::state::refuse(const refused& why, std::string_view peer) {
    const auto number = static_cast<std::size_t>(why.why);
    intake_.count([number](summary& s) { ++s.refused[number]; });
    const bool has_message = why.why != refusal::idle && why.why != refusal::connections &&
                             why.why != refusal::tls && why.why != refusal::handshake;
    note(
        logs_[number],
        fmt::format(
            "sink: {}: {}{}: {}; connection closed{}",
            peer,
            has_message ? "message refused: " : "",
            name(why.why),
            why.detail,
            has_message ? ", nothing of the message was kept or acknowledged" : ""));
}

void server::state::note(repeated_log& state, const std::string& line) {
    const auto now = std::chrono::steady_clock::now();
    if (state.begun && now - state.last < log_interval) {
        ++state.unsaid;
        return;
    }
    if (options_.log)
        options_.log(
            state.unsaid == 0 ? line : fmt::format("{} (and {} more like it)", line, state.unsaid));
    state = {.last = now, .unsaid = 0, .begun = true};
}

// Tells those who wait for events.
void server::state::announce() {
    const auto events = intake_.events();
    bool changed = false;
    {
        const std::lock_guard lock(wait_mutex_);
        changed = std::exchange(events_, events) != events;
    }
    if (changed)
        arrived_.notify_all();
    const bool is_met = options_.event_goal != 0 && events >= options_.event_goal;
    if (is_met && !std::exchange(goal_met_, true) && options_.on_goal)
        options_.on_goal();
}

std::error_code server::state::take_rest(
    std::string_view end_point, std::span<const std::string> records, bool is_repeat) {
    if (const auto ec = intake_.take_rest(end_point, records, is_repeat, wall_clock()))
        return ec;
    asio::post(io_, [this] { announce(); });
    return {};
}

bool server::state::wait_for_events(std::uint64_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(wait_mutex_);
    arrived_.wait_for(lock, timeout, [&] { return stopped_ || events_ >= count; });
    return events_ >= count;
}

void server::state::stop() {
    const std::lock_guard one_at_a_time(stop_mutex_);
    io_.stop();
    if (thread_.joinable())
        thread_.join();
    // The thread has ended: what was its own is ours now.
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    local_.close();
    for (auto* c : open_)
        c->stream.close();
    {
        const std::lock_guard lock(wait_mutex_);
        stopped_ = true;
    }
    arrived_.notify_all();
}

server::server(options wanted) : state_(std::make_unique<state>(std::move(wanted))) {}

server::~server() = default;

std::uint16_t server::port() const noexcept {
    return state_->port();
}

summary server::snapshot() const {
    return state_->snapshot();
}

bool server::wait_for_events(std::uint64_t count, std::chrono::milliseconds timeout) const {
    return state_->wait_for_events(count, timeout);
}

std::error_code server::take_rest(
    std::string_view end_point, std::span<const std::string> records, bool is_repeat) {
    return state_->take_rest(end_point, records, is_repeat);
}

void server::set_answering(bool on) noexcept {
    state_->set_answering(on);
}

void server::stop() {
    state_->stop();
}

} // namespace monarc::sink
