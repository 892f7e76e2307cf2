#pragma once

// A forward receiver on loopback, in a thread of its own, that does what a script says: right,
// late, wrong or not at all. Keeps everything it was sent, repeats told apart by their chunk.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace monarc::support {

// An array or object, as msgpack_text writes it.
struct received_nested {
    std::string text;
    bool operator==(const received_nested&) const = default;
};

using received_value = std::variant<
    std::nullptr_t,
    bool,
    std::int64_t,
    std::uint64_t,
    double,
    std::string,
    received_nested>;

// One entry of a message: fields for a context, or the class of a context.
struct received_event {
    std::string context;
    std::string user_id;
    std::vector<std::pair<std::string, received_value>> fields; // as they stood on the wire
    std::optional<std::string> class_name;                      // set: a MONA_ARC_CLASS message
    std::int64_t time = 0;
    std::int64_t export_timestamp = 0;

    const received_value* find(std::string_view key) const;
};

enum class received_mode { message, forward, packed, packed_gzip };

struct received_message {
    std::size_t connection = 0; // the first is 1
    received_mode mode = received_mode::message;
    std::string chunk; // empty: no acknowledgement was asked for
    bool is_repeat = false;
    bool was_stored = true;
    std::size_t entries_bytes = 0; // before compression
    std::optional<std::uint64_t> size_option;
    std::vector<received_event> events;
};

// What the receiver does about a message that has arrived whole.
struct reaction {
    std::string answer; // the right acknowledgement, until the script changes it
    std::chrono::milliseconds wait{0};
    std::size_t piece_bytes = 0; // 0: the answer in one write; else in writes of this size
    bool stores = true;
    enum class ending { go_on, close, reset };
    ending then = ending::go_on; // after the answer
};

// How the receiver treats one connection.
struct manners {
    std::string greeting{};                      // sent before anything is read
    std::optional<std::size_t> reset_after{};    // bytes read
    bool reads = true;                           // false: accepts, and never looks at it again
    std::size_t read_bytes = 256 * 1024;         // at most, in one go
    std::chrono::milliseconds read_pause{0};     // after each read
    std::optional<std::size_t> receive_buffer{}; // of the socket, to make a writer wait
    bool reset_at_once = false;
};

std::string encode_acknowledgement(std::string_view chunk);

// Reads one message of any mode. Fails: nothing, with `why` filled.
std::optional<received_message> decode_message(std::string_view bytes, std::string& why);

// Threads: any; hooks run on the receiver's thread and may not call it.
class forward_receiver {
public:
    using message_hook = std::function<void(const received_message&, reaction&)>;
    using connection_hook = std::function<manners(std::size_t number)>;

    // Takes a port; refuses connections until start().
    forward_receiver();
    ~forward_receiver();
    forward_receiver(const forward_receiver&) = delete;
    forward_receiver& operator=(const forward_receiver&) = delete;

    std::uint16_t port() const noexcept { return port_; }

    // Only while it is stopped.
    void on_message(message_hook hook) { on_message_ = std::move(hook); }
    void on_connection(connection_hook hook) { on_connection_ = std::move(hook); }

    void start();
    // Resets all connections; then connects are refused. What was received stays.
    void stop();

    std::vector<received_message> messages() const;
    std::size_t connections() const;
    std::size_t repeats() const;
    std::vector<std::string> protocol_errors() const;

    // Entries of all messages that were stored, each chunk once, in the order of their first
    // arrival.
    std::vector<received_event> events() const;
    std::map<std::string, std::vector<received_event>> events_by_context() const;
    // Fields of the same; class messages do not count.
    std::uint64_t fields() const;

    // Until that many fields were stored. Returns: false when the time is over before.
    bool wait_for_fields(std::uint64_t count, std::chrono::milliseconds timeout) const;
    bool wait_for_messages(std::size_t count, std::chrono::milliseconds timeout) const;
    bool wait_for_connections(std::size_t count, std::chrono::milliseconds timeout) const;

private:
    struct peer {
        int socket = -1;
        std::size_t number = 0;
        std::size_t read_bytes = 0;
        manners how;
        std::string pending;
    };

    void run();
    void accept_one();
    bool serve(peer& p); // false: the connection is over
    bool take_messages(peer& p);
    bool react(peer& p, const reaction& r);
    bool pause(std::chrono::milliseconds time); // false: stop() was called
    void drop(peer& p, bool with_reset);

    std::uint16_t port_ = 0;
    int listener_ = -1;
    int wake_[2] = {-1, -1};
    std::thread thread_;
    message_hook on_message_;
    connection_hook on_connection_;
    std::vector<peer> peers_; // the thread's

    mutable std::mutex lock_;
    mutable std::condition_variable changed_;
    std::vector<received_message> messages_;
    std::set<std::string> chunks_;
    std::size_t connections_ = 0;
    std::size_t repeats_ = 0;
    std::uint64_t fields_ = 0;
    std::vector<std::string> protocol_errors_;
};

} // namespace monarc::support
