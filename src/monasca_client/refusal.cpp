#include "monasca_client/refusal.hpp"

#include <boost/beast/http/status.hpp>
#include <simdjson.h>

namespace monarc::monasca_client {
namespace {

namespace dom = simdjson::dom;

template <class In>
std::string text_at(const In& in, const char* key) {
    std::string_view text;
    return in[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

std::string joined(std::string first, const std::string& second) {
    if (!first.empty() && !second.empty()) {
        first += '\n';
    }
    return first + second;
}

// Python's `{"title", "description"}`, Keystone's `{"error": …}`, Java's `{"<fault>": …}`.
refusal read_json(const dom::object& body) {
    refusal made{.title = text_at(body, "title"), .description = text_at(body, "description")};
    if (!made.title.empty() || !made.description.empty()) {
        return made;
    }
    for (const auto [key, held] : body) {
        if (!held.is_object()) {
            continue;
        }
        const auto message = text_at(held, "message");
        const auto details = text_at(held, "details");
        if (key == "error") {
            made.title = message.empty() ? text_at(held, "title") : message;
            made.description = details;
        } else {
            made.description = joined(message, details);
        }
        break;
    }
    return made;
}

} // namespace

std::string_view name_of_status(unsigned status) noexcept {
    const auto known = boost::beast::http::int_to_status(status);
    if (known == boost::beast::http::status::unknown) {
        return status >= 500 ? "HTTP Server Error" : "HTTP Client Error";
    }
    const auto name = boost::beast::http::obsolete_reason(known);
    return {name.data(), name.size()};
}

refusal read_refusal(const transport::http_answer& answer) {
    refusal made;
    dom::parser parser;
    dom::object body;
    if (parser.parse(answer.body).get(body) == simdjson::SUCCESS) {
        made = read_json(body);
    } else if (answer.content_type.starts_with("text/")) {
        made.description = answer.body;
    }
    if (made.title.empty()) {
        made.title = name_of_status(answer.status);
    }
    return made;
}

} // namespace monarc::monasca_client
