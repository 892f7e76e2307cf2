#pragma once

// Keystone's API on a port: what `monarc sink --keystone-port` runs and what tests talk to.

#include "sink/http_server.hpp"
#include "sink/keystone_api.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace monarc::sink {

// Threads: any thread may call any member; the destructor must be the last call.
// Owns:    one thread, one listening socket and its connections. The API must outlive it.
class keystone_server {
public:
    using clock = std::function<std::int64_t()>; ///< Milliseconds since 1970.

    // Fails: throws start_error.
    keystone_server(http_options http, keystone_api& api, clock now);

    std::uint16_t port() const noexcept { return server_.port(); }
    void stop() { server_.stop(); }

private:
    http_server server_;
};

} // namespace monarc::sink
