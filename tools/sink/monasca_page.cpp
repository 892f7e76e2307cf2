#include "sink/monasca_page.hpp"

#include "sink/http_message.hpp"
#include "sink/json_members.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace monarc::sink {

std::string page_address::self() const {
    return raw_query.empty() ? std::string(uri) : fmt::format("{}?{}", uri, raw_query);
}

std::string page_address::next(std::string_view offset) const {
    auto link = fmt::format("{}?offset={}", uri, percent_encoded(offset));
    auto rest = raw_query;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        if (const auto pair = rest.substr(0, end); !pair.starts_with("offset="))
            link += fmt::format("&{}", pair);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return link;
}

std::string links_json(const page_address& at, std::string_view next) {
    std::string out = "[";
    json_members(out).text("rel", "self").text("href", at.self()).end();
    if (!next.empty()) {
        out += ',';
        json_members(out).text("rel", "next").text("href", at.next(next)).end();
    }
    return out + "]";
}

std::string page_json(const page_address& at, std::string_view elements, std::string_view next) {
    std::string out;
    json_members(out)
        .raw("links", links_json(at, next))
        .raw("elements", fmt::format("[{}]", elements))
        .end();
    return out;
}

void append_json_dimensions(std::string& out, const dimension_list& dimensions) {
    json_members m(out);
    for (const auto& [key, value] : dimensions)
        m.text(key, value);
    m.end();
}

} // namespace monarc::sink
