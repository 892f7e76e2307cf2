#include "sink/server.hpp"

#include "encode/msgpack_reader.hpp"
#include "sink/receive_buffer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>
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
#include <unordered_set>
#include <utility>

namespace monarc::sink {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto log_interval = 60s;   // the same refusal is logged once, then so often with a count
constexpr auto accept_pause = 100ms; // after the system refused a descriptor
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
        explicit connection(tcp::socket&& socket, std::string its_peer, int max_depth)
            : stream(std::move(socket)), peer(std::move(its_peer)), framer(max_depth) {}

        beast::tcp_stream stream;
        std::string peer;
        receive_buffer buffer;
        encode::msgpack_framer framer;
        std::string answers;
        bool is_first_byte = true;
    };
    using refused = intake::refused;

    struct repeated_log {
        std::chrono::steady_clock::time_point last{};
        std::uint64_t unsaid = 0;
        bool begun = false;
    };

    void listen();
    void run() noexcept;
    asio::awaitable<void> accept_all();
    asio::awaitable<void> serve(std::shared_ptr<connection> c);
    void try_to_admit(tcp::socket socket);
    void admit(tcp::socket socket);
    void shrink(connection& c) noexcept;
    bool has_room(connection& c) noexcept;
    std::optional<refused> take_all(connection& c);
    std::optional<refused> take_next(connection& c, bool& found);
    void end(connection& c, const std::optional<refused>& why);
    void refuse(const refused& why, std::string_view peer);
    void note(repeated_log& state, const std::string& line);
    void announce();

    options options_;
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
    std::thread thread_;
};

server::state::state(options wanted) : options_(std::move(wanted)), intake_(options_) {
    listen();
    announce();
    asio::co_spawn(io_, accept_all(), asio::detached);
    thread_ = std::thread([this] { run(); });
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

void server::state::listen() {
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
            "sink: listen on {}:{}: {}; give another --port, or --port 0 for any that is free",
            options_.host,
            options_.port,
            ec.message()));
    port_ = acceptor_.local_endpoint().port();
    if (!local.address().is_loopback() && options_.log)
        options_.log(fmt::format(
            "sink: listening on {}:{} beyond the loopback: whoever reaches this port can send",
            options_.host,
            port_));
}

asio::awaitable<void> server::state::accept_all() {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    asio::steady_timer pause(io_);
    while (true) {
        tcp::socket socket = co_await acceptor_.async_accept(into_ec);
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

void server::state::try_to_admit(tcp::socket socket) {
    try {
        admit(std::move(socket));
    } catch (const std::bad_alloc&) {
        note(accept_log_, "sink: accept: out of memory; the connection was closed");
    }
}

void server::state::admit(tcp::socket socket) {
    boost::system::error_code ec;
    const auto remote = socket.remote_endpoint(ec);
    auto peer = ec ? std::string("peer")
                   : fmt::format("{}:{}", remote.address().to_string(), remote.port());
    intake_.count([](summary& s) { ++s.connections; });
    if (open_.size() >= options_.limits.max_connections) {
        refuse(
            {refusal::connections,
             fmt::format("{} connections are open already", options_.limits.max_connections)},
            peer);
        return; // the socket closes itself
    }
    socket.set_option(tcp::no_delay(true), ec);
    auto c =
        std::make_shared<connection>(std::move(socket), std::move(peer), options_.limits.max_depth);
    open_.insert(c.get());
    intake_.count([this](summary& s) { s.open_connections = open_.size(); });
    asio::co_spawn(io_, serve(c), [this, c](std::exception_ptr thrown) {
        std::optional<refused> why;
        if (thrown)
            why = refused{refusal::memory, "out of memory"};
        end(*c, why);
    });
}

asio::awaitable<void> server::state::serve(std::shared_ptr<connection> c) {
    boost::system::error_code ec;
    auto into_ec = asio::redirect_error(asio::use_awaitable, ec);
    while (true) {
        if (!has_room(*c)) {
            refuse({refusal::memory, "too much is arriving at once"}, c->peer);
            co_return;
        }
        const auto before = c->buffer.capacity_bytes();
        const auto room = c->buffer.room();
        buffered_bytes_ += c->buffer.capacity_bytes() - before;
        const asio::mutable_buffer into(room.data(), room.size());

        c->stream.expires_after(options_.limits.idle_timeout);
        const std::size_t got = co_await c->stream.async_read_some(into, into_ec);
        if (ec == beast::error::timeout) {
            const auto seconds = static_cast<double>(options_.limits.idle_timeout.count()) / 1000;
            refuse({refusal::idle, fmt::format("no byte for {} s", seconds)}, c->peer);
        }
        if (ec)
            co_return;
        c->buffer.filled(got);
        intake_.count([got](summary& s) { s.bytes_received += got; });

        const auto why = take_all(*c);
        if (c->buffer.capacity_bytes() > keep_bytes)
            shrink(*c);
        if (!c->answers.empty()) {
            // A peer that never reads its answers holds up itself only, and not for ever.
            const asio::const_buffer answers(c->answers.data(), c->answers.size());
            c->stream.expires_after(options_.limits.idle_timeout);
            co_await asio::async_write(c->stream, answers, into_ec);
            if (ec == beast::error::timeout)
                refuse({refusal::idle, "its answers are not read"}, c->peer);
            c->answers.clear();
            if (c->answers.capacity() > answers_at_once)
                c->answers = std::string();
        }
        announce();
        if (why)
            refuse(*why, c->peer);
        if (why || ec)
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
    boost::system::error_code ignored;
    c.stream.socket().close(ignored);
}

void server::state::refuse(const refused& why, std::string_view peer) {
    const auto number = static_cast<std::size_t>(why.why);
    intake_.count([number](summary& s) { ++s.refused[number]; });
    const bool has_message = why.why != refusal::idle && why.why != refusal::connections;
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
    for (auto* c : open_)
        c->stream.socket().close(ignored);
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
