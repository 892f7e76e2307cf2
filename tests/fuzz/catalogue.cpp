// What Keystone answers to a login, as the whole body or as the catalogue in one: where it sends
// us.

#include "auth/keystone.hpp"
#include "fuzz/fuzz_target.hpp"
#include "transport/url.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {
namespace {

void look_up(const std::string& body) {
    transport::http_answer answer;
    answer.status = 201;
    answer.body = body;
    answer.subject_token = "token";
    const auto token = auth::read_token(answer);
    if (!token) {
        return;
    }
    for (const std::string_view region : {"", "RegionOne", "R"}) {
        for (const std::string_view interface : {"public", "internal", "admin"}) {
            const auto* const found =
                auth::find_endpoint(token->catalogue, "monitoring", interface, region);
            if (found == nullptr) {
                continue;
            }
            if (found->interface != interface || (!region.empty() && found->region != region)) {
                std::abort();
            }
            const auto url = transport::parse_http_url(found->url);
            if (url && (url->host.empty() || url->port == 0 || url->path.ends_with('/'))) {
                std::abort();
            }
        }
    }
}

} // namespace

void read(std::string_view input) {
    const std::string text(input);
    look_up(text);
    look_up(R"({"token":{"catalog":)" + text + "}}");
    look_up(
        R"({"token":{"catalog":[{"type":"monitoring","endpoints":[{"interface":"public","region":"R","url":")" +
        text + R"("}]}]}})");
}

} // namespace monarc::fuzz
