#include "support/forward_receiver.hpp"

#include "compress/inflate.hpp"
#include "core/byte_buffer.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "support/msgpack_text.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace monarc::support {
namespace {

using encode::msgpack_kind;
using encode::msgpack_reader;
using encode::msgpack_token;
using encode::read_status;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int bind_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = loopback(port);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("bind");
    }
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
        fail("getsockname");
    }
    return ntohs(address.sin_port);
}

// Throws std::runtime_error where the bytes are not what a forward client may send.
class decoder {
public:
    explicit decoder(std::string_view bytes) : reader_(bytes) {}

    bool at_end() const noexcept { return reader_.at_end(); }
    std::size_t position() const noexcept { return reader_.position(); }

    msgpack_token next() {
        msgpack_token token;
        if (reader_.next(token) != read_status::ok) {
            throw std::runtime_error("an object that is cut or malformed");
        }
        return token;
    }
    std::uint32_t array() { return expect(msgpack_kind::array).count; }
    std::uint32_t map() { return expect(msgpack_kind::map).count; }
    std::string text() { return std::string(expect(msgpack_kind::text).bytes); }
    std::int64_t integer() {
        const auto token = next();
        if (token.kind == msgpack_kind::negative_integer) {
            return token.negative_value;
        }
        if (token.kind != msgpack_kind::unsigned_integer) {
            throw std::runtime_error("no integer where one belongs");
        }
        return static_cast<std::int64_t>(token.unsigned_value);
    }
    msgpack_kind peek() {
        msgpack_kind kind{};
        if (reader_.peek(kind) != read_status::ok) {
            throw std::runtime_error("the message ends too early");
        }
        return kind;
    }

    received_value value() {
        if (const auto kind = peek(); kind == msgpack_kind::array || kind == msgpack_kind::map) {
            auto text = ::support::next_as_text(reader_);
            if (text.ends_with('!')) {
                throw std::runtime_error("a nested value that is malformed");
            }
            return received_nested{std::move(text)};
        }
        const auto token = next();
        switch (token.kind) {
        case msgpack_kind::nil: return nullptr;
        case msgpack_kind::boolean: return token.boolean;
        case msgpack_kind::unsigned_integer: return token.unsigned_value;
        case msgpack_kind::negative_integer: return token.negative_value;
        case msgpack_kind::float_number: return token.number;
        case msgpack_kind::text: return std::string(token.bytes);
        default: throw std::runtime_error("a field that is no scalar");
        }
    }

    // The record behind a time.
    received_event event(std::int64_t time) {
        received_event made;
        made.time = time;
        const auto pairs = map();
        for (std::uint32_t i = 0; i < pairs; ++i) {
            const auto name = text();
            if (name == "user_id") {
                made.user_id = text();
            } else if (name == "context") {
                made.context = text();
            } else if (name == "export_timestamp") {
                made.export_timestamp = integer();
            } else if (name == "message") {
                const auto count = map();
                for (std::uint32_t k = 0; k < count; ++k) {
                    auto key = text();
                    made.fields.emplace_back(std::move(key), value());
                }
            } else {
                throw std::runtime_error("an unknown member: " + name);
            }
        }
        if (made.fields.size() == 1 && made.fields[0].first == "MONA_ARC_CLASS") {
            made.class_name = std::get<std::string>(made.fields[0].second);
        }
        return made;
    }
    received_event timed_event() {
        if (array() != 2) {
            throw std::runtime_error("an entry that is no pair");
        }
        const auto time = integer();
        return event(time);
    }

    // Fills chunk and size. Returns: the compression, if any.
    std::string option(received_message& into) {
        std::string compressed;
        const auto pairs = map();
        for (std::uint32_t i = 0; i < pairs; ++i) {
            const auto name = text();
            if (name == "chunk") {
                into.chunk = text();
            } else if (name == "compressed") {
                compressed = text();
            } else if (name == "size") {
                into.size_option = static_cast<std::uint64_t>(integer());
            } else {
                throw std::runtime_error("an unknown option: " + name);
            }
        }
        return compressed;
    }

private:
    msgpack_token expect(msgpack_kind kind) {
        const auto token = next();
        if (token.kind != kind) {
            throw std::runtime_error("an object of another kind than belongs here");
        }
        return token;
    }

    msgpack_reader reader_;
};

received_message decode(std::string_view bytes) {
    received_message made;
    decoder outer(bytes);
    const auto elements = outer.array();
    if (outer.text() != "mona.client.message") {
        throw std::runtime_error("another tag");
    }
    const auto kind = outer.peek();
    if (kind == msgpack_kind::binary || kind == msgpack_kind::text) {
        const std::string_view raw = outer.next().bytes;
        std::string compressed;
        if (elements == 3) {
            compressed = outer.option(made);
        }
        std::string unpacked(raw);
        made.mode = received_mode::packed;
        if (compressed == "gzip") {
            made.mode = received_mode::packed_gzip;
            auto inflated = compress::inflate(raw, {.max_ratio = 5000});
            if (!inflated) {
                throw std::runtime_error("gzip: " + inflated.error().message());
            }
            unpacked = std::move(*inflated);
        }
        made.entries_bytes = unpacked.size();
        decoder entries(unpacked);
        while (!entries.at_end()) {
            made.events.push_back(entries.timed_event());
        }
    } else if (kind == msgpack_kind::array) {
        made.mode = received_mode::forward;
        const auto count = outer.array();
        const auto before = outer.position();
        for (std::uint32_t i = 0; i < count; ++i) {
            made.events.push_back(outer.timed_event());
        }
        made.entries_bytes = outer.position() - before;
        if (elements == 3) {
            outer.option(made);
        }
    } else {
        const auto time = outer.integer();
        made.entries_bytes = bytes.size();
        made.events.push_back(outer.event(time));
        if (elements == 4) {
            outer.option(made);
        }
    }
    if (!outer.at_end()) {
        throw std::runtime_error("a message with more elements than it says");
    }
    if (made.size_option && *made.size_option != made.events.size()) {
        throw std::runtime_error("option size is not the number of entries");
    }
    return made;
}

} // namespace

const received_value* received_event::find(std::string_view key) const {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == key; });
    return found == fields.end() ? nullptr : &found->second;
}

std::string encode_acknowledgement(std::string_view chunk) {
    byte_buffer out;
    encode::msgpack_writer to(out);
    to.map(1);
    to.text("ack");
    to.text(chunk);
    return std::string(out.view());
}

std::optional<received_message> decode_message(std::string_view bytes, std::string& why) {
    try {
        return decode(bytes);
    } catch (const std::exception& error) {
        why = error.what();
        return std::nullopt;
    }
}

forward_receiver::forward_receiver() {
    // A port that was asked for by its number stays ours while nobody listens on it.
    const int first = bind_to(0);
    port_ = port_of(first);
    ::close(first);
    listener_ = bind_to(port_);
}

forward_receiver::~forward_receiver() {
    stop();
    ::close(listener_);
}

void forward_receiver::start() {
    if (::listen(listener_, 64) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) {
        fail("listen");
    }
    thread_ = std::thread([this] { run(); });
}

void forward_receiver::stop() {
    if (!thread_.joinable()) {
        return;
    }
    ::shutdown(listener_, SHUT_RDWR); // from now on refused; the port stays bound
    [[maybe_unused]] const auto written = ::write(wake_[1], "x", 1);
    thread_.join();
    for (auto& p : peers_) {
        drop(p, true);
    }
    peers_.clear();
    ::close(wake_[0]);
    ::close(wake_[1]);
}

bool forward_receiver::pause(std::chrono::milliseconds time) {
    pollfd stopped{.fd = wake_[0], .events = POLLIN, .revents = 0};
    return ::poll(&stopped, 1, static_cast<int>(time.count())) == 0;
}

void forward_receiver::drop(peer& p, bool with_reset) {
    if (with_reset) {
        const linger none{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(p.socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    ::close(p.socket);
    p.socket = -1;
}

void forward_receiver::run() {
    std::vector<pollfd> watched;
    while (true) {
        watched.clear();
        watched.push_back({.fd = wake_[0], .events = POLLIN, .revents = 0});
        watched.push_back({.fd = listener_, .events = POLLIN, .revents = 0});
        for (const auto& p : peers_) {
            watched.push_back({.fd = p.how.reads ? p.socket : -1, .events = POLLIN, .revents = 0});
        }
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
            return;
        }
        if (watched[0].revents != 0) {
            return;
        }
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            if (watched[i + 2].revents != 0 && !serve(peers_[i])) {
                if (peers_[i].socket >= 0) {
                    drop(peers_[i], false);
                }
            }
        }
        std::erase_if(peers_, [](const peer& p) { return p.socket < 0; });
        if ((watched[1].revents & POLLIN) != 0) {
            accept_one();
        }
    }
}

void forward_receiver::accept_one() {
    peer p;
    p.socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (p.socket < 0) {
        return;
    }
    const int on = 1;
    ::setsockopt(p.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    {
        const std::lock_guard guard(lock_);
        p.number = ++connections_;
    }
    if (on_connection_) {
        p.how = on_connection_(p.number);
    }
    changed_.notify_all();
    if (p.how.receive_buffer) {
        const int bytes = static_cast<int>(*p.how.receive_buffer);
        ::setsockopt(p.socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    if (p.how.reset_at_once || p.how.reset_after == std::size_t{0}) {
        drop(p, true);
        return;
    }
    if (!p.how.greeting.empty()) {
        ::send(p.socket, p.how.greeting.data(), p.how.greeting.size(), MSG_NOSIGNAL);
    }
    peers_.push_back(std::move(p));
}

bool forward_receiver::serve(peer& p) {
    auto want = p.how.read_bytes;
    if (p.how.reset_after) {
        want = std::min(want, *p.how.reset_after - p.read_bytes);
    }
    const auto before = p.pending.size();
    p.pending.resize(before + want);
    const auto got = ::recv(p.socket, p.pending.data() + before, want, MSG_DONTWAIT);
    p.pending.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    p.read_bytes += static_cast<std::size_t>(got);
    const bool goes_on = take_messages(p);
    if (goes_on && p.how.reset_after && p.read_bytes >= *p.how.reset_after) {
        drop(p, true);
        return false;
    }
    if (goes_on && p.how.read_pause.count() != 0) {
        pause(p.how.read_pause);
    }
    return goes_on;
}

bool forward_receiver::take_messages(peer& p) {
    std::size_t done = 0;
    bool goes_on = true;
    while (goes_on && done != p.pending.size()) {
        msgpack_reader reader(std::string_view(p.pending).substr(done));
        std::string_view raw;
        const auto status = reader.skip(raw);
        if (status == read_status::more) {
            break;
        }
        std::string why = "bytes that are not MessagePack";
        auto message = status == read_status::ok ? decode_message(raw, why)
                                                 : std::optional<received_message>();
        done += raw.size();
        if (!message) {
            const std::lock_guard guard(lock_);
            protocol_errors_.push_back(why);
            changed_.notify_all();
            return false;
        }
        message->connection = p.number;
        reaction r;
        if (!message->chunk.empty()) {
            r.answer = encode_acknowledgement(message->chunk);
        }
        {
            const std::lock_guard guard(lock_);
            message->is_repeat = !message->chunk.empty() && chunks_.count(message->chunk) != 0;
        }
        if (on_message_) {
            on_message_(*message, r);
        }
        {
            const std::lock_guard guard(lock_);
            message->was_stored = r.stores;
            if (r.stores) {
                repeats_ += message->is_repeat ? 1 : 0;
                if (!message->is_repeat) {
                    for (const auto& e : message->events) {
                        fields_ += e.class_name ? 0 : e.fields.size();
                    }
                }
                if (!message->chunk.empty()) {
                    chunks_.insert(message->chunk);
                }
            }
            messages_.push_back(std::move(*message));
            changed_.notify_all();
        }
        goes_on = react(p, r);
    }
    if (goes_on) {
        p.pending.erase(0, done);
    }
    return goes_on;
}

bool forward_receiver::react(peer& p, const reaction& r) {
    if (r.wait.count() != 0 && !pause(r.wait)) {
        return false;
    }
    const auto piece =
        r.piece_bytes == 0 ? std::max<std::size_t>(1, r.answer.size()) : r.piece_bytes;
    for (std::size_t at = 0; at < r.answer.size(); at += piece) {
        const auto bytes = std::min(piece, r.answer.size() - at);
        ::send(p.socket, r.answer.data() + at, bytes, MSG_NOSIGNAL);
        if (r.piece_bytes != 0) {
            pause(std::chrono::milliseconds(1));
        }
    }
    if (r.then == reaction::ending::go_on) {
        return true;
    }
    drop(p, r.then == reaction::ending::reset);
    return false;
}

std::vector<received_message> forward_receiver::messages() const {
    const std::lock_guard guard(lock_);
    return messages_;
}
std::size_t forward_receiver::connections() const {
    const std::lock_guard guard(lock_);
    return connections_;
}
std::size_t forward_receiver::repeats() const {
    const std::lock_guard guard(lock_);
    return repeats_;
}
std::vector<std::string> forward_receiver::protocol_errors() const {
    const std::lock_guard guard(lock_);
    return protocol_errors_;
}
std::uint64_t forward_receiver::fields() const {
    const std::lock_guard guard(lock_);
    return fields_;
}

std::vector<received_event> forward_receiver::events() const {
    const std::lock_guard guard(lock_);
    std::vector<received_event> all;
    for (const auto& m : messages_) {
        if (m.was_stored && !m.is_repeat) {
            all.insert(all.end(), m.events.begin(), m.events.end());
        }
    }
    return all;
}

std::map<std::string, std::vector<received_event>> forward_receiver::events_by_context() const {
    std::map<std::string, std::vector<received_event>> contexts;
    for (auto& e : events()) {
        contexts[e.context].push_back(std::move(e));
    }
    return contexts;
}

bool forward_receiver::wait_for_fields(
    std::uint64_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, timeout, [&] { return fields_ >= count; });
}
bool forward_receiver::wait_for_messages(
    std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, timeout, [&] { return messages_.size() >= count; });
}
bool forward_receiver::wait_for_connections(
    std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, timeout, [&] { return connections_ >= count; });
}

} // namespace monarc::support
