#pragma once

// A forward receiver on the loopback: what `monarc sink` runs and what tests talk to.

#include "sink/intake.hpp"
#include "sink/options.hpp"
#include "sink/summary.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace monarc::sink {

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket, its connections, and the store if there is one.
class server {
public:
    // Listens and reads the store again before it returns.
    // Fails: throws start_error, whose what() says where, what, why and what next.
    explicit server(options wanted);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    std::uint16_t port() const noexcept;

    // What has arrived so far.
    summary snapshot() const;

    // Waits until `count` events are there; false if `timeout` ends first or the server stops.
    bool wait_for_events(std::uint64_t count, std::chrono::milliseconds timeout) const;

    // Keeps and counts what came by another door, as intake::take_rest does.
    std::error_code
    take_rest(std::string_view end_point, std::span<const std::string> records, bool is_repeat);

    // Off: messages are taken and not answered, also later when it is on again.
    void set_answering(bool on) noexcept;

    // Closes everything and ends the thread; snapshot() goes on to answer. Twice does no harm.
    void stop();

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace monarc::sink
