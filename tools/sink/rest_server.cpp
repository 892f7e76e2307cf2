#include "sink/rest_server.hpp"

#include "sink/monasca_server.hpp"

#include <utility>

namespace monarc::sink {
namespace {

rest_options keeping_in(server& keeper, rest_options rest) {
    rest.keep = [&keeper](
                    std::string_view end_point,
                    std::span<const std::string> records,
                    bool is_repeat) { return keeper.take_rest(end_point, records, is_repeat); };
    return rest;
}

} // namespace

rest_server::rest_server(http_options http, rest_options rest, server& keeper)
    : api_(keeping_in(keeper, std::move(rest))),
      server_(std::move(http), [this](const http_request& request) {
          return api_.serve(request, wall_clock_milliseconds());
      }) {}

rest_summary rest_server::snapshot() const {
    auto made = api_.snapshot();
    made.http = server_.counts();
    return made;
}

} // namespace monarc::sink
