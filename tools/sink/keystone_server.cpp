#include "sink/keystone_server.hpp"

#include <utility>

namespace monarc::sink {

keystone_server::keystone_server(http_options http, keystone_api& api, clock now)
    : server_(std::move(http), [&api, now = std::move(now)](const http_request& request) {
          http_answer answer;
          answer.response = api.serve(request, now());
          return answer;
      }) {}

} // namespace monarc::sink
