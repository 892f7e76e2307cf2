#pragma once

// Mona's REST interface and its token service on a port: what `monarc sink --rest-port` runs and
// what tests talk to.

#include "sink/http_server.hpp"
#include "sink/rest_api.hpp"
#include "sink/rest_summary.hpp"
#include "sink/server.hpp"

#include <cstdint>

namespace monarc::sink {

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket and its connections.
class rest_server {
public:
    // What arrives is kept and counted by `keeper`, which must outlive it.
    // Fails: throws start_error.
    rest_server(http_options http, rest_options rest, server& keeper);

    std::uint16_t port() const noexcept { return server_.port(); }
    rest_summary snapshot() const;

    // Closes everything and ends the thread; snapshot() goes on to answer. Twice does no harm.
    void stop() { server_.stop(); }

private:
    rest_api api_;
    http_server server_; // destroyed first
};

} // namespace monarc::sink
