#include "sink/monasca_api.hpp"

#include "sink/json_members.hpp"
#include "sink/monasca_alarming.hpp"
#include "sink/monasca_call.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_gate.hpp"
#include "sink/monasca_intake.hpp"
#include "sink/monasca_reads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace monarc::sink {
namespace {

constexpr std::string_view updated = "2013-03-06T00:00:00.000Z";

// As Falcon does, one slash at the end is none.
std::string_view without_last_slash(std::string_view path) noexcept {
    if (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    return path;
}

bool needs_no_token(std::string_view path) noexcept {
    return path.ends_with("/healthcheck") || path.ends_with("/version");
}

std::string version_json(std::string_view uri) {
    std::string out;
    json_members m(out);
    m.text("id", "v2.0").name("links");
    out += '[';
    json_members(out).text("rel", "self").text("href", uri).end();
    out += ']';
    m.text("status", "CURRENT").text("updated", updated).end();
    return out;
}

std::string uri_of(const http_request& request, std::string_view path) {
    const auto host = request.field("host");
    return fmt::format("http://{}{}", host.empty() ? "127.0.0.1" : host, path);
}

// `*` in the pattern stands for one segment.
bool matches(std::string_view pattern, std::string_view path, std::string& id) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos)
        return pattern == path;
    const auto rest = pattern.substr(star + 1);
    if (path.size() <= star + rest.size() || !path.starts_with(pattern.substr(0, star)) ||
        !path.ends_with(rest))
        return false;
    const auto segment = path.substr(star, path.size() - star - rest.size());
    if (segment.find('/') != std::string_view::npos)
        return false;
    id = percent_decoded(segment);
    return true;
}

} // namespace

class monasca_api::state {
public:
    explicit state(monasca_options wanted)
        : options_(std::move(wanted)), switches_(options_.switches), gate_(find_token()),
          alarming_(options_.seed),
          intake_(options_, [this](const auto& tenant, const auto& m, std::int64_t arrived) {
              alarming_.take(tenant, m, intake_.store().series_of(tenant), arrived);
          }) {}

    http_response serve(const http_request& request, std::int64_t now);
    void set_switches(const monasca_switches& wanted);
    monasca_switches switches() const;
    monasca_summary snapshot() const;
    const monasca_options& options() const noexcept { return options_; }

private:
    using call = monasca_call;
    using resource = http_response (state::*)(const call&);
    struct route {
        std::string_view method;
        std::string_view path; ///< `*` stands for one segment, the id of something.
        right needs;
        bool needs_json; ///< Whether the content type is looked at, before the role.
        resource serve;
    };
    static const std::array<route, 32> routes;

    monasca_gate::find_function find_token() const;
    http_response respond(const monasca_error& error, const http_request& request) const;
    http_response answer(call& c);
    http_response dispatch(call& c);
    http_response enter(const route& r, const call& c);
    http_response wrong_method(const call& c) const;
    http_response get_versions(const call& c);
    http_response get_version(const call& c);
    http_response get_health(const call& c);
    http_response head_health(const call& c);
    http_response post_metrics(const call& c);
    template <std::string (*Read)(const read_request&)>
    http_response read(const call& c);
    template <http_response (monasca_alarming::*Serve)(const monasca_call&)>
    http_response alarming(const call& c);

    monasca_options options_;
    mutable std::mutex mutex_; // guards what follows
    monasca_switches switches_;
    monasca_gate gate_;
    monasca_alarming alarming_;
    monasca_intake intake_;
    std::size_t last_connection_ = 0; // that sent something
    std::map<int, std::uint64_t> responses_;
    std::uint64_t posts_ = 0;
    std::uint64_t requests_ = 0;
};

constinit const std::array<monasca_api::state::route, 32> monasca_api::state::routes = [] {
    using enum right;
    using m = monasca_alarming;
    return std::array<route, 32>{{
        {"GET", "/", nothing, false, &state::get_versions},
        {"GET", "/v2.0", nothing, false, &state::get_version},
        {"GET", "/healthcheck", nothing, false, &state::get_health},
        {"HEAD", "/healthcheck", nothing, false, &state::head_health},
        {"GET", "/v2.0/metrics", read, false, &state::read<list_metrics>},
        {"POST", "/v2.0/metrics", send, true, &state::post_metrics},
        {"GET", "/v2.0/metrics/names", read, false, &state::read<list_metric_names>},
        {"GET", "/v2.0/metrics/dimensions/names", read, false, &state::read<list_dimension_names>},
        {"GET",
         "/v2.0/metrics/dimensions/names/values",
         read,
         false,
         &state::read<list_dimension_values>},
        {"GET", "/v2.0/metrics/measurements", read, false, &state::read<list_measurements>},
        {"GET", "/v2.0/metrics/statistics", read, false, &state::read<list_statistics>},
        {"GET", "/v2.0/notification-methods/types", read, false, &state::alarming<&m::list_types>},
        {"GET", "/v2.0/notification-methods", read, false, &state::alarming<&m::list_methods>},
        {"POST", "/v2.0/notification-methods", write, true, &state::alarming<&m::create_method>},
        {"GET", "/v2.0/notification-methods/*", read, false, &state::alarming<&m::show_method>},
        {"PUT", "/v2.0/notification-methods/*", write, true, &state::alarming<&m::update_method>},
        {"PATCH", "/v2.0/notification-methods/*", write, true, &state::alarming<&m::patch_method>},
        {"DELETE",
         "/v2.0/notification-methods/*",
         write,
         false,
         &state::alarming<&m::delete_method>},
        {"GET", "/v2.0/alarm-definitions", read, false, &state::alarming<&m::list_definitions>},
        {"POST", "/v2.0/alarm-definitions", write, false, &state::alarming<&m::create_definition>},
        {"GET", "/v2.0/alarm-definitions/*", read, false, &state::alarming<&m::show_definition>},
        {"PUT", "/v2.0/alarm-definitions/*", write, false, &state::alarming<&m::update_definition>},
        {"PATCH",
         "/v2.0/alarm-definitions/*",
         write,
         false,
         &state::alarming<&m::patch_definition>},
        {"DELETE",
         "/v2.0/alarm-definitions/*",
         write,
         false,
         &state::alarming<&m::delete_definition>},
        {"GET", "/v2.0/alarms", read, false, &state::alarming<&m::list_alarms>},
        {"GET", "/v2.0/alarms/count", read, false, &state::alarming<&m::count_alarms>},
        {"GET", "/v2.0/alarms/state-history", read, false, &state::alarming<&m::list_history>},
        {"GET", "/v2.0/alarms/*/state-history", read, false, &state::alarming<&m::show_history>},
        {"GET", "/v2.0/alarms/*", read, false, &state::alarming<&m::show_alarm>},
        {"PUT", "/v2.0/alarms/*", write, false, &state::alarming<&m::update_alarm>},
        {"PATCH", "/v2.0/alarms/*", write, false, &state::alarming<&m::patch_alarm>},
        {"DELETE", "/v2.0/alarms/*", write, false, &state::alarming<&m::delete_alarm>},
    }};
}();

// Without a Keystone every token is good, or the one that is known.
monasca_gate::find_function monasca_api::state::find_token() const {
    if (options_.find_token)
        return options_.find_token;
    token_facts all{.project = options_.tenant, .roles = {"monasca-user"}};
    if (options_.may_delegate)
        all.roles.emplace_back("admin");
    return [all = std::move(all), wanted = options_.token](std::string_view token, std::int64_t) {
        return wanted.empty() || token == wanted ? std::optional(all) : std::nullopt;
    };
}

http_response
monasca_api::state::respond(const monasca_error& error, const http_request& request) const {
    return switches_.is_java ? to_java(error, requests_) : to_response(error, request);
}

http_response monasca_api::state::serve(const http_request& request, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const auto path = without_last_slash(request.path);
    call c{.request = request, .path = path, .uri = uri_of(request, path), .now = now};
    http_response response;
    try {
        response = answer(c);
    } catch (const monasca_refusal& no) {
        response = respond(no.error, request);
    } catch (const std::bad_alloc&) {
        response = respond({500, "Service unavailable", "out of memory"}, request);
    }
    last_connection_ = std::max(last_connection_, request.connection);
    ++responses_[response.status];
    response.fields.emplace_back(
        "X-Openstack-Request-Id", fmt::format("req-00000000-0000-4000-8000-{:012x}", ++requests_));
    return response;
}

// Section 1: the token comes first, then the resource; the role is a matter of the resource.
http_response monasca_api::state::answer(call& c) {
    using verdict = monasca_gate::verdict;
    if (has_long_field(c.request))
        return long_field_response();
    if (!needs_no_token(c.path)) {
        const auto token = c.request.field("x-auth-token");
        switch (gate_.check(token, switches_, c.now, c.who)) {
        case verdict::good: break;
        case verdict::cannot_ask: return no_keystone_response();
        case verdict::unknown:
            return switches_.is_java
                       ? to_java({401, "Unauthorized", "Unable to authenticate"}, requests_)
                       : no_token_response();
        }
        if (!switches_.has_role)
            c.who.roles.clear();
    }
    return dispatch(c);
}

http_response monasca_api::state::dispatch(call& c) {
    const route* other = nullptr;
    for (const auto& r : routes) {
        std::string id;
        if (!matches(r.path, c.path, id))
            continue;
        // An id may be called as a resource is, to no avail.
        if (other != nullptr && other->path != r.path)
            break;
        if (r.method == c.request.method) {
            c.id = std::move(id);
            return enter(r, c);
        }
        other = &r;
    }
    if (other != nullptr)
        return wrong_method(c);
    const bool is_one_segment = c.path.find('/', 1) == std::string_view::npos;
    if (is_one_segment && c.request.method == "GET")
        throw monasca_refusal(
            {422,
             "Invalid version",
             fmt::format("No versions found matching {}", percent_decoded(c.path.substr(1)))});
    if (is_one_segment)
        return wrong_method(c);
    return respond({404, "404 Not Found", {}}, c.request);
}

http_response monasca_api::state::enter(const route& r, const call& c) {
    if (r.serve == &state::post_metrics)
        ++posts_;
    if (r.needs_json && c.request.field("content-type") != "application/json")
        throw monasca_refusal({400, "Bad request", "Bad content type. Must be application/json"});
    if (!may(c.who, r.needs)) {
        if (switches_.is_java)
            throw monasca_refusal({403, "Forbidden", "The role of the token does not suffice"});
        return no_role_response(c.request);
    }
    return (this->*r.serve)(c);
}

http_response monasca_api::state::wrong_method(const call& c) const {
    std::string allowed;
    std::string_view path;
    for (const auto& r : routes) {
        std::string id;
        if (!matches(r.path, c.path, id) || (!path.empty() && r.path != path))
            continue;
        path = r.path;
        allowed += fmt::format("{}, ", r.method);
    }
    if (allowed.empty())
        allowed = "GET, ";
    allowed += "OPTIONS";
    http_response response;
    if (c.request.method != "OPTIONS")
        response = respond({405, "405 Method Not Allowed", {}}, c.request);
    response.fields.emplace_back("Allow", std::move(allowed));
    return response;
}

http_response monasca_api::state::get_versions(const call& c) {
    std::string out;
    const auto uri = uri_of(c.request, "/");
    json_members top(out);
    top.name("links");
    out += '[';
    json_members(out).text("rel", "self").text("href", uri).end();
    out += ']';
    top.raw("elements", fmt::format("[{}]", version_json(uri + "v2.0"))).end();
    return json_response(200, std::move(out));
}

http_response monasca_api::state::get_version(const call& c) {
    return json_response(200, version_json(uri_of(c.request, c.request.path)));
}

// A wedged producer knows nothing of itself.
http_response monasca_api::state::get_health(const call&) {
    const bool is_down = switches_.kafka == kafka_state::down;
    std::string body;
    json_members(body)
        .text("kafka", is_down ? "Could not connect to Kafka" : "OK")
        .text("alarms_database", "OK")
        .text("metrics_database", "OK")
        .end();
    auto response = json_response(is_down ? 503 : 200, std::move(body));
    response.fields.emplace_back("Cache-Control", "must-revalidate, no-cache, no-store");
    return response;
}

http_response monasca_api::state::head_health(const call&) {
    http_response response;
    response.status = 204;
    response.fields.emplace_back("Cache-Control", "must-revalidate, no-cache, no-store");
    return response;
}

http_response monasca_api::state::post_metrics(const call& c) {
    return intake_.post(c, switches_);
}

template <std::string (*Read)(const read_request&)>
http_response monasca_api::state::read(const call& c) {
    const monasca_query query(c.request.query);
    const auto tenant = tenant_of(c, query);
    return json_response(
        200, Read({query, intake_.store().series_of(tenant), c.uri, c.request.query}));
}

template <http_response (monasca_alarming::*Serve)(const monasca_call&)>
http_response monasca_api::state::alarming(const call& c) {
    return (alarming_.*Serve)(c);
}

void monasca_api::state::set_switches(const monasca_switches& wanted) {
    const std::lock_guard lock(mutex_);
    intake_.switch_kafka(switches_.kafka, wanted.kafka, last_connection_);
    switches_ = wanted;
}

monasca_switches monasca_api::state::switches() const {
    const std::lock_guard lock(mutex_);
    return switches_;
}

monasca_summary monasca_api::state::snapshot() const {
    const std::lock_guard lock(mutex_);
    monasca_summary made;
    made.responses = responses_;
    made.posts = posts_;
    intake_.report(made);
    return made;
}

monasca_api::monasca_api(monasca_options wanted)
    : state_(std::make_unique<state>(std::move(wanted))) {}

monasca_api::~monasca_api() = default;

http_response monasca_api::serve(const http_request& request, std::int64_t now_milliseconds) {
    return state_->serve(request, now_milliseconds);
}

void monasca_api::set_switches(const monasca_switches& wanted) {
    state_->set_switches(wanted);
    if (const auto& told = state_->options().on_switches)
        told(wanted);
}

monasca_switches monasca_api::switches() const {
    return state_->switches();
}

monasca_summary monasca_api::snapshot() const {
    return state_->snapshot();
}

} // namespace monarc::sink
