// Notification methods. Whatever is wrong with a body is a 400 here.

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_sort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

namespace monarc::sink {
namespace {

constexpr std::array<std::string_view, 3> types{"EMAIL", "WEBHOOK", "PAGERDUTY"};

void append_method(std::string& out, const notification_method& m, std::string_view resources) {
    json_members(out)
        .text("id", m.id)
        .text("name", m.name)
        .text("type", m.type)
        .text("address", m.address)
        .number("period", m.period)
        .raw("links", resource_links(resources, m.id))
        .end();
}

http_response method_response(int status, const notification_method& m, const monasca_call& c) {
    std::string body;
    append_method(body, m, without_id(c));
    return json_response(status, std::move(body));
}

std::int64_t read_period(const monasca_body& body) {
    const auto* found = body.find("period");
    const auto text = python::to_text(*found);
    std::int64_t period = 0;
    const auto got = std::from_chars(text.data(), text.data() + text.size(), period);
    const bool is_number = got.ec == std::errc() && got.ptr == text.data() + text.size();
    if (!is_number || (found->kind != python::kind::integer && found->kind != python::kind::text))
        body.refuse(fmt::format("Period {} must be a valid integer", text));
    if (period != 0 && period != 60)
        body.refuse(
            fmt::format("{} is not in the configured list of valid periods: [0, 60]", period));
    return period;
}

void check_address(const monasca_body& body, const notification_method& m) {
    const auto at = m.address.find('@');
    const bool is_mail = at != std::string::npos && at != 0 && m.address.rfind('@') != 0 &&
                         at + 1 != m.address.size();
    if (m.type == "EMAIL" && !is_mail)
        body.refuse(fmt::format("Address {} is not of correct format", m.address));
    if (m.type != "WEBHOOK")
        return;
    const auto colon = m.address.find("://");
    if (colon == std::string::npos || colon == 0)
        body.refuse(fmt::format("Address {} does not have URL scheme", m.address));
    if (colon + 3 == m.address.size() || m.address[colon + 3] == '/')
        body.refuse(fmt::format("Address {} does not have network location", m.address));
    if (const auto scheme = m.address.substr(0, colon); scheme != "http" && scheme != "https")
        body.refuse(fmt::format("Address {} scheme is not in ['http', 'https']", m.address));
}

// What the body says of it; what it does not say stays.
void read_method(const monasca_body& body, notification_method& into) {
    if (body.has("name"))
        into.name = body.text("name", 250);
    if (body.has("type"))
        into.type = upper(body.text("type", std::string::npos));
    if (body.has("address"))
        into.address = body.text("address", 512);
    if (body.has("period"))
        into.period = read_period(body);
    check_address(body, into);
}

void check_method(
    const monasca_body& body, const notification_method& m, const tenant_alarming& all) {
    for (const auto& [id, other] : all.methods)
        if (other.name == m.name && m.id.empty())
            refuse_conflict(
                fmt::format("A notification method with the name {} already exists", m.name));
        else if (other.name == m.name && id != m.id)
            refuse_conflict(fmt::format(
                "A notification method with name {} already exists with id {}", m.name, id));
    if (std::find(types.begin(), types.end(), m.type) == types.end())
        body.refuse(fmt::format("Not a valid notification method type {} ", m.type));
}

} // namespace

http_response monasca_alarming::list_types(const monasca_call& c) {
    std::string elements;
    for (const auto type : types) {
        if (!elements.empty())
            elements += ',';
        json_members(elements).text("type", type).end();
    }
    return json_response(200, page_json({c.uri, c.request.query}, elements, {}));
}

http_response monasca_alarming::list_methods(const monasca_call& c) {
    const monasca_query query(c.request.query);
    const auto sort =
        read_sort(query, {"id", "name", "type", "address", "updated_at", "created_at"});
    std::vector<const notification_method*> all;
    for (const auto& entry : of(c).methods)
        all.push_back(&entry.second);
    sort_elements(all, sort, [](const notification_method& m, std::string_view field) {
        const std::int64_t at = field == "created_at"   ? m.created_at
                                : field == "updated_at" ? m.updated_at
                                                        : 0;
        return std::tuple(
            at,
            field == "id"        ? m.id
            : field == "name"    ? m.name
            : field == "type"    ? m.type
            : field == "address" ? m.address
                                 : std::string());
    });
    return json_response(
        200, page_of({c.uri, c.request.query}, query, all, [&](std::string& out, const auto* m) {
            append_method(out, *m, c.uri);
        }));
}

http_response monasca_alarming::create_method(const monasca_call& c) {
    const monasca_body body(c.request, 400);
    for (const auto* name : {"name", "type", "address"})
        body.require(name);
    notification_method made;
    read_method(body, made);
    auto& all = of(c);
    check_method(body, made, all);
    require_room(all.methods.size(), tenant_alarming::max_methods);
    made.id = ids_.uuid();
    made.created_at = made.updated_at = c.now;
    const auto& kept = all.methods.insert_or_assign(made.id, made).first->second;
    return method_response(201, kept, c);
}

http_response monasca_alarming::show_method(const monasca_call& c) {
    return method_response(200, require_id(of(c).methods, c.id), c);
}

http_response monasca_alarming::update_method(const monasca_call& c) {
    const monasca_body body(c.request, 400);
    for (const auto* name : {"name", "type", "address"})
        body.require(name);
    if (!body.has("period"))
        body.refuse("Period is required");
    return patch_method(c);
}

http_response monasca_alarming::patch_method(const monasca_call& c) {
    const monasca_body body(c.request, 400);
    auto& all = of(c);
    auto& kept = require_id(all.methods, c.id);
    auto changed = kept;
    read_method(body, changed);
    check_method(body, changed, all);
    changed.updated_at = c.now;
    kept = std::move(changed);
    return method_response(200, kept, c);
}

http_response monasca_alarming::delete_method(const monasca_call& c) {
    if (of(c).methods.erase(c.id) == 0)
        refuse_missing();
    return no_content();
}

} // namespace monarc::sink
