#pragma once

// What a sink can be told.

#include "compress/inflate.hpp"

#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace monarc::sink {

// D-13.2: what one peer, and all of them together, may ask for.
struct limits {
    std::size_t max_message_bytes = std::size_t{8} << 20; ///< One message on the wire.
    compress::inflate_limits inflate{};                   ///< What its entries may inflate to.
    int max_depth = 16; ///< Nesting of a message, and of a packed entry. Range: 1..63.
    std::size_t max_connections = 1024;
    std::size_t max_buffered_bytes = std::size_t{128}
                                     << 20;         ///< All messages that are still arriving.
    std::chrono::milliseconds idle_timeout{60'000}; ///< No byte for so long: closed.
};

struct event;
struct event_facts;

// One event that was taken, as on_event sees it; valid during the call.
struct arrived_event {
    std::string_view chunk; ///< Its message's, encoded; empty: none.
    std::uint64_t index;    ///< Its place in the message.
    const event_facts& facts;
    const event& what;
};

// What is remembered. Beyond it the summary says "at least".
struct memory {
    std::size_t max_contexts = std::size_t{4}
                               << 20; ///< 16 bytes each, and the room a hash table leaves.
    std::size_t max_chunks = std::size_t{64} << 10; ///< The most recent ones, to tell repeats.
    std::size_t max_classes = 1024;                 ///< Range: <= 65 000.
    std::size_t max_tags = 1024;
};

struct options {
    std::string host = "127.0.0.1"; ///< An address, or localhost.
    std::uint16_t port = 0;         ///< 0: any that is free; server::port() tells.
    std::string unix_path{};        ///< A Unix socket to listen on as well; empty: none.
    tls_options tls{};              ///< With a cert_file the port wants TLS; with a ca_file, which
                                    ///< is that of the clients, their certificates too.
    secret shared_key{};            ///< Whoever connects must know it; empty: anybody.
    bool deny_keepalive = false;    ///< Each connection is closed behind its first message.
    std::string store{};            ///< NDJSON file for the events; empty: none.
    std::string sum_field{};        ///< Integer member of `message` to add up; empty: none.
    bool answer = true;             ///< false: read and count, never acknowledge.
    std::uint64_t lose = 0;         ///< The N-th record is acknowledged and forgotten; 0: none.
    std::uint64_t event_goal =
        0; ///< on_goal is called once when so many events are there; 0: never.
    sink::limits limits{};
    sink::memory memory{};

    /// Called from the sink's thread, or from the constructor if the store had enough; must not
    /// call stop().
    std::function<void()> on_goal{};
    /// Called from the sink's thread for each event that was counted and is no repeat, before its
    /// message is answered; must not call the server.
    std::function<void(const arrived_event&)> on_event{};
    /// One line without a line feed, from the sink's thread or the constructor.
    std::function<void(std::string_view)> log{};
};

} // namespace monarc::sink
