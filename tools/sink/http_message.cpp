#include "sink/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace monarc::sink {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return lower(x) == lower(y);
    });
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '~';
}

} // namespace

std::string_view field_of(const http_fields& fields, std::string_view name) noexcept {
    const auto found = std::find_if(
        fields.begin(), fields.end(), [&](const auto& f) { return same_name(f.first, name); });
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

bool has_field(const http_fields& fields, std::string_view name) noexcept {
    return std::any_of(
        fields.begin(), fields.end(), [&](const auto& f) { return same_name(f.first, name); });
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
    }
}

std::string to_wire(const http_response& response, bool keeps_alive, bool is_head) {
    std::string out;
    const auto to_out = std::back_inserter(out);
    fmt::format_to(to_out, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    for (const auto& [name, value] : response.fields)
        fmt::format_to(to_out, "{}: {}\r\n", name, value);
    // RFC 9110, 8.6: none with 1xx and 204; 304 has no body either.
    const bool may_have_body =
        response.status >= 200 && response.status != 204 && response.status != 304;
    if (may_have_body)
        fmt::format_to(to_out, "Content-Length: {}\r\n", response.body.size());
    fmt::format_to(to_out, "Connection: {}\r\n\r\n", keeps_alive ? "keep-alive" : "close");
    if (may_have_body && !is_head)
        out += response.body;
    return out;
}

query_params read_query(std::string_view query) {
    query_params params;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals + 1 == pair.size())
            continue;
        params.emplace_back(
            percent_decoded(pair.substr(0, equals)), percent_decoded(pair.substr(equals + 1)));
    }
    return params;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool has_two = text[i] == '%' && i + 2 < text.size();
        const int high = has_two ? hex_digit(text[i + 1]) : -1;
        const int low = has_two ? hex_digit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (is_unreserved(c))
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    return out;
}

} // namespace monarc::sink
