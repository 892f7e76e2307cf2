#include "sink/monasca_errors.hpp"

#include "sink/json_members.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::size_t max_field_bytes = 8190; // `name: value`
constexpr std::string_view keystone = "Keystone uri=\"http://127.0.0.1:5000/v3\"";

bool has(std::string_view text, std::string_view part) noexcept {
    return text.find(part) != std::string_view::npos;
}

std::string xml_escaped(std::string_view text) {
    std::string out;
    for (const char c : text)
        switch (c) {
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '&': out += "&amp;"; break;
        default: out += c;
        }
    return out;
}

// What a fault is called there.
std::string_view java_name(int status) noexcept {
    switch (status) {
    case 400: return "bad_request";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "not_found";
    case 409: return "conflict";
    case 413: return "request_entity_too_large";
    case 422: return "unprocessable_entity";
    default: return "server_error";
    }
}

std::string to_xml(const monasca_error& error) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><error><title>";
    out += xml_escaped(error.title) + "</title>";
    if (!error.description.empty())
        out += "<description>" + xml_escaped(error.description) + "</description>";
    return out + "</error>";
}

} // namespace

http_response json_response(int status, std::string body) {
    http_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "application/json");
    response.body = std::move(body);
    return response;
}

http_response to_response(const monasca_error& error, const http_request& request) {
    const auto accept = request.field("accept");
    if (accept.empty() || has(accept, "*/*") || has(accept, "application/*") ||
        has(accept, "json")) {
        std::string body;
        json_members m(body);
        m.text("title", error.title);
        if (!error.description.empty())
            m.text("description", error.description);
        m.end();
        return json_response(error.status, std::move(body));
    }
    http_response response;
    response.status = error.status;
    if (has(accept, "xml")) {
        response.fields.emplace_back("Content-Type", "application/xml");
        response.body = to_xml(error);
    }
    return response;
}

http_response html_response(int status, std::string_view title, std::string_view text) {
    http_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "text/html");
    response.body = fmt::format(
        "<html><head><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>", title, text);
    return response;
}

bool has_long_field(const http_request& request) noexcept {
    return std::any_of(request.fields.begin(), request.fields.end(), [](const auto& f) {
        return f.first.size() + 2 + f.second.size() > max_field_bytes;
    });
}

http_response long_field_response() {
    return html_response(400, "Bad Request", "a header field is too long");
}

http_response no_token_response() {
    auto response = json_response(
        401,
        R"({"error":{"code":401,"title":"Unauthorized",)"
        R"("message":"The request you have made requires authentication."}})");
    response.fields.emplace_back("WWW-Authenticate", keystone);
    return response;
}

http_response no_role_response(const http_request& request) {
    auto response = to_response(
        {401, "Forbidden", "The request does not have access to this service"}, request);
    // Upstream takes the word Token apart, letter by letter.
    response.fields.emplace_back("WWW-Authenticate", "T, o, k, e, n");
    response.fields.emplace_back("WWW-Authenticate", keystone);
    return response;
}

http_response no_keystone_response() {
    http_response response;
    response.status = 503;
    response.fields.emplace_back("Content-Type", "text/plain");
    response.body = "The Keystone service is temporarily unavailable.";
    return response;
}

http_response broken_response() {
    return html_response(500, "Internal Server Error", "");
}

http_response to_java(const monasca_error& error, std::uint64_t number) {
    std::string body;
    json_members top(body);
    top.name(java_name(error.status));
    json_members(body)
        .number("code", error.status)
        .text("message", error.description.empty() ? error.title : error.description)
        .text("details", "")
        .text("internal_code", fmt::format("{:016x}", number))
        .end();
    top.end();
    return json_response(error.status, std::move(body));
}

} // namespace monarc::sink
