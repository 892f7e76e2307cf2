// What anybody may ask of `monarc sink` as a Monasca and as a Keystone: requests one after another,
// a record separator (0x1e) between them, to services that remember.

#include "fuzz/fuzz_target.hpp"
#include "sink/http_head.hpp"
#include "sink/keystone_api.hpp"
#include "sink/monasca_faults.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

namespace monarc::fuzz {
namespace {

constexpr std::int64_t now = 1'795'262'400'000;
constexpr std::size_t max_requests = 16; // so that none takes long

bool read_request(std::string_view bytes, sink::http_request& into) {
    const auto end = sink::end_of_head(bytes, 0);
    sink::http_head head;
    if (end == bytes.npos || !sink::read_head(bytes.substr(0, end), head).empty())
        return false;
    into = std::move(head.request);
    into.connection = 1;
    into.body = bytes.substr(end);
    if (!sink::has_field(into.fields, "x-auth-token"))
        into.fields.emplace_back("X-Auth-Token", "t");
    if (!sink::has_field(into.fields, "content-type"))
        into.fields.emplace_back("Content-Type", "application/json");
    return true;
}

} // namespace

void read(std::string_view input) {
    sink::monasca_api monasca({.seed = 1});
    sink::monasca_faults faults(monasca);
    sink::keystone_api keystone({.monasca_url = "http://mon/v2.0", .seed = 1});
    for (std::size_t i = 0; i < max_requests && !input.empty(); ++i) {
        const auto end = std::min(input.find('\x1e'), input.size());
        sink::http_request request;
        if (read_request(input.substr(0, end), request)) {
            const auto at = now + static_cast<std::int64_t>(i) * 30'000;
            if (request.path.starts_with("/v3") || request.path == "/")
                static_cast<void>(keystone.serve(request, at));
            else
                static_cast<void>(faults.serve(request, at));
        }
        input.remove_prefix(std::min(end + 1, input.size()));
    }
}

} // namespace monarc::fuzz
