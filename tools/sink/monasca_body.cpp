#include "sink/monasca_body.hpp"

#include "sink/monasca_query.hpp"

#include <fmt/format.h>

#include <utility>

namespace monarc::sink {
namespace {

using python::kind;

// What is kept of a body has to stay within bounds.
constexpr std::size_t max_bytes = std::size_t{64} << 10;

python::document read_body(const http_request& request) {
    if (request.body.size() > max_bytes)
        throw monasca_refusal(
            {413,
             "Request Entity Too Large",
             fmt::format("a body of more than {} bytes", max_bytes)});
    auto json = python::document::read(request.is_chunked ? std::string_view() : request.body);
    if (!json)
        throw monasca_refusal({400, "Bad request", "Request body is not valid JSON"});
    return std::move(*json);
}

} // namespace

monasca_body::monasca_body(const http_request& request, int status)
    : json_(read_body(request)), status_(status) {
    if (json_.root().kind != kind::object)
        refuse("expected a dictionary");
}

void monasca_body::refuse(std::string description) const {
    throw monasca_refusal(
        {status_, status_ == 400 ? "Bad Request" : "Unprocessable Entity", std::move(description)});
}

void monasca_body::refuse_member(std::string_view name, std::string_view what) const {
    refuse(fmt::format("{} for dictionary value @ data['{}']", what, name));
}

const python::value* monasca_body::find(std::string_view name) const noexcept {
    return json_.root().find(name);
}

void monasca_body::require(std::string_view name) const {
    if (find(name) == nullptr)
        refuse(fmt::format("required key not provided @ data['{}']", name));
}

const python::value& monasca_body::member(std::string_view name) const {
    require(name);
    return *find(name);
}

std::string monasca_body::text(std::string_view name, std::size_t max_characters) const {
    const auto& found = member(name);
    if (found.kind != kind::text)
        refuse_member(name, "expected str");
    if (python::count_code_points(found.text) > max_characters)
        refuse_member(name, fmt::format("length of value must be at most {}", max_characters));
    return std::string(found.text);
}

bool monasca_body::boolean(std::string_view name) const {
    const auto& found = member(name);
    if (found.kind != kind::boolean)
        refuse_member(name, "expected bool");
    return found.text == "true";
}

std::vector<std::string> monasca_body::texts(std::string_view name) const {
    const auto& found = member(name);
    if (found.kind != kind::list)
        refuse_member(name, "expected a list");
    std::vector<std::string> all;
    for (const auto& one : found.members) {
        if (one.held.kind != kind::text)
            refuse_member(name, "expected str");
        all.emplace_back(one.held.text);
    }
    return all;
}

} // namespace monarc::sink
