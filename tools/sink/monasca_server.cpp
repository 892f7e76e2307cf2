#include "sink/monasca_server.hpp"

#include <utility>

namespace monarc::sink {

std::int64_t wall_clock_milliseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(now).count();
}

monasca_server::monasca_server(http_options http, monasca_options monasca)
    : api_(std::move(monasca)), server_(std::move(http), [this](const http_request& request) {
          http_answer answer;
          answer.response = api_.serve(request, wall_clock_milliseconds());
          return answer;
      }) {}

monasca_summary monasca_server::snapshot() const {
    auto made = api_.snapshot();
    made.http = server_.counts();
    return made;
}

} // namespace monarc::sink
