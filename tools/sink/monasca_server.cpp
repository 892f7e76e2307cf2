#include "sink/monasca_server.hpp"

#include "sink/loopback.hpp"

#include <utility>

namespace monarc::sink {

std::int64_t wall_clock_milliseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(now).count();
}

monasca_server::monasca_server(http_options http, monasca_options monasca, clock now)
    : api_(std::move(monasca)), faults_(api_, !is_beyond_loopback(http.host)),
      server_(std::move(http), [this, now = std::move(now)](const http_request& request) {
          return faults_.serve(request, now());
      }) {}

monasca_summary monasca_server::snapshot() const {
    auto made = api_.snapshot();
    made.http = server_.counts();
    return made;
}

} // namespace monarc::sink
