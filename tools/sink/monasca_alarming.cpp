#include "sink/monasca_alarming.hpp"

#include "sink/json_members.hpp"

#include <fmt/format.h>

namespace monarc::sink {

std::string resource_links(std::string_view resources, std::string_view id) {
    std::string out = "[";
    json_members(out).text("rel", "self").text("href", fmt::format("{}/{}", resources, id)).end();
    return out + "]";
}

std::string without_id(const monasca_call& c) {
    return c.id.empty() ? c.uri : c.uri.substr(0, c.uri.rfind('/'));
}

http_response no_content() {
    http_response response;
    response.status = 204;
    return response;
}

void refuse_missing() {
    throw monasca_refusal({404, "404 Not Found", {}});
}

void refuse_conflict(std::string description) {
    throw monasca_refusal({409, "AlreadyExistsException", std::move(description)});
}

void refuse_update(std::string description) {
    throw monasca_refusal({422, "InvalidUpdateException", std::move(description)});
}

void require_room(std::size_t count, std::size_t max_count) {
    if (count >= max_count)
        throw monasca_refusal(
            {500,
             "The repository was unable to process your request",
             fmt::format("the sink keeps {} of these", max_count)});
}

} // namespace monarc::sink
