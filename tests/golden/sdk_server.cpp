#include "golden/sdk_server.hpp"

#include "golden/sdk_value.hpp"

#include <algorithm>

namespace monarc::golden {
namespace {

std::string canonical_text(const std::string& body) {
    const auto document = sink::python::document::read(body);
    return document ? canonical_body(document->root()) : body;
}

} // namespace

sdk_server::sdk_server()
    : server_({}, [this](const sink::http_request& request) { return serve(request); }) {}

void sdk_server::answer_by(const json_value* responses) {
    const std::lock_guard hold(lock_);
    if (responses == nullptr) {
        return;
    }
    for (const auto& [path, all] : responses->members) {
        for (const auto& [index, one] : all.members) {
            response made{.http = {}, .is_json = one.find("json") != nullptr};
            made.http.status = static_cast<int>(sink::python::to_double(*one.find("status")));
            if (made.is_json) {
                made.http.body = sink::python::to_json(*one.find("json"));
                made.http.fields.emplace_back("Content-Type", "application/json");
            } else if (const auto* const text = one.find("text")) {
                made.http.body = text->text;
            }
            if (const auto* const headers = one.find("headers")) {
                for (const auto& [name, value] : headers->members) {
                    made.http.fields.emplace_back(name, value.text);
                }
            }
            responses_[std::string(path)].push_back(std::move(made));
        }
    }
}

sink::http_answer sdk_server::serve(const sink::http_request& request) {
    const std::lock_guard hold(lock_);
    exchange one;
    one.request = {
        .method = request.method,
        .target = request.path + (request.query.empty() ? "" : "?" + request.query),
        .authorization = std::string(request.field("authorization")),
        .content_type = std::string(request.field("content-type")),
        .content_encoding = std::string(request.field("content-encoding")),
        .body = canonical_text(request.body)};
    response made{.http = {.status = 200, .fields = {}, .body = "{}"}, .is_json = true};
    const auto known = responses_.find(request.path);
    if (known != responses_.end() && !known->second.empty()) {
        made = known->second[std::min(used_[request.path]++, known->second.size() - 1)];
    }
    one.answer = made.http.body;
    one.was_json = made.is_json;
    seen_.push_back(std::move(one));
    sink::http_answer answer;
    answer.response = std::move(made.http);
    return answer;
}

std::vector<sdk_server::exchange> sdk_server::seen(std::size_t first) const {
    const std::lock_guard hold(lock_);
    return {
        seen_.begin() + static_cast<std::ptrdiff_t>(std::min(first, seen_.size())), seen_.end()};
}

} // namespace monarc::golden
