#pragma once

// Monasca's API on a port: what `monarc sink --monasca-port` runs and what tests talk to.

#include "sink/http_server.hpp"
#include "sink/monasca_api.hpp"
#include "sink/monasca_faults.hpp"
#include "sink/monasca_summary.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace monarc::sink {

std::int64_t wall_clock_milliseconds() noexcept;

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket, its connections and the store.
class monasca_server {
public:
    using clock = std::function<std::int64_t()>; ///< Milliseconds since 1970.

    // Fails: throws start_error.
    monasca_server(http_options http, monasca_options monasca, clock now = wall_clock_milliseconds);

    std::uint16_t port() const noexcept { return server_.port(); }
    monasca_summary snapshot() const;
    void set_switches(const monasca_switches& wanted) { api_.set_switches(wanted); }

    // Closes everything and ends the thread; snapshot() goes on to answer. Twice does no harm.
    void stop() { server_.stop(); }

private:
    monasca_api api_;
    monasca_faults faults_;
    http_server server_; // destroyed first
};

} // namespace monarc::sink
