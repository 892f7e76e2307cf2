#pragma once

// Monasca's API on a port: what `monarc sink --monasca-port` runs and what tests talk to.

#include "sink/http_server.hpp"
#include "sink/monasca_api.hpp"
#include "sink/monasca_summary.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace monarc::sink {

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket, its connections and the store.
class monasca_server {
public:
    // Fails: throws start_error.
    monasca_server(http_options http, monasca_options monasca);

    std::uint16_t port() const noexcept { return server_.port(); }
    monasca_summary snapshot() const;

    // Closes everything and ends the thread; snapshot() goes on to answer. Twice does no harm.
    void stop() { server_.stop(); }

private:
    monasca_api api_;
    http_server server_; // destroyed first
};

std::int64_t wall_clock_milliseconds() noexcept;

} // namespace monarc::sink
