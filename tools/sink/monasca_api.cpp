#include "sink/monasca_api.hpp"

#include "compress/inflate.hpp"
#include "sink/exact_sum.hpp"
#include "sink/json_members.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_query.hpp"
#include "sink/monasca_reads.hpp"
#include "sink/monasca_store.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace monarc::sink {
namespace {

constexpr std::uint64_t max_log_lines = 5; // of each kind of violation
constexpr std::size_t max_logged_bytes = 200;
constexpr std::string_view updated = "2013-03-06T00:00:00.000Z";

bool is_tenant_id(std::string_view text) noexcept {
    return text.size() == 32 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

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

// What stderr is told of somebody else's bytes.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, max_logged_bytes))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

} // namespace

class monasca_api::state {
public:
    explicit state(monasca_options wanted)
        : options_(std::move(wanted)), store_(options_.max_store_bytes) {}

    http_response serve(const http_request& request, std::int64_t now);
    monasca_summary snapshot() const;

private:
    struct call {
        const http_request& request;
        std::string_view path;
        std::int64_t now;
    };
    using resource = http_response (state::*)(const call&);
    struct route {
        std::string_view method;
        std::string_view path;
        resource serve;
    };
    struct metric_tally {
        metric_summary counts{};
        exact_sum sum{};
        exact_sum repeated{};
    };

    static const std::array<route, 11> routes;

    http_response answer(const call& c);
    http_response dispatch(const call& c);
    http_response wrong_method(const call& c) const;
    http_response get_versions(const call& c);
    http_response get_version(const call& c);
    http_response get_health(const call& c);
    http_response head_health(const call& c);
    http_response post_metrics(const call& c);
    template <std::string (*Read)(const read_request&)>
    http_response read(const call& c);

    std::string tenant_of(const monasca_query& query) const;
    void take(const call& c, const python::document& json, std::size_t body_bytes);
    void keep(const std::string& tenant, const measurement& m, bool is_storable);
    metric_tally& tally_of(const std::string& name);
    void record(violation what, std::string_view detail);

    monasca_options options_;
    mutable std::mutex mutex_; // guards what follows
    monasca_store store_;
    monasca_summary totals_;
    std::map<std::string, metric_tally> metrics_;
    metric_tally other_metrics_;
    std::uint64_t requests_ = 0;
};

const std::array<monasca_api::state::route, 11> monasca_api::state::routes{{
    {"GET", "/", &state::get_versions},
    {"GET", "/v2.0", &state::get_version},
    {"GET", "/healthcheck", &state::get_health},
    {"HEAD", "/healthcheck", &state::head_health},
    {"GET", "/v2.0/metrics", &state::read<list_metrics>},
    {"POST", "/v2.0/metrics", &state::post_metrics},
    {"GET", "/v2.0/metrics/names", &state::read<list_metric_names>},
    {"GET", "/v2.0/metrics/dimensions/names", &state::read<list_dimension_names>},
    {"GET", "/v2.0/metrics/dimensions/names/values", &state::read<list_dimension_values>},
    {"GET", "/v2.0/metrics/measurements", &state::read<list_measurements>},
    {"GET", "/v2.0/metrics/statistics", &state::read<list_statistics>},
}};

http_response monasca_api::state::serve(const http_request& request, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    const call c{request, without_last_slash(request.path), now};
    http_response response;
    try {
        response = answer(c);
    } catch (const monasca_refusal& no) {
        response = to_response(no.error, request);
    } catch (const std::bad_alloc&) {
        response = to_response({500, "Service unavailable", "out of memory"}, request);
    }
    ++totals_.responses[response.status];
    response.fields.emplace_back(
        "X-Openstack-Request-Id", fmt::format("req-00000000-0000-4000-8000-{:012x}", ++requests_));
    return response;
}

// Section 1: the token comes first, then the resource; the role is a matter of the resource.
http_response monasca_api::state::answer(const call& c) {
    if (has_long_field(c.request))
        return long_field_response();
    const auto token = c.request.field("x-auth-token");
    const bool is_good = !token.empty() && (options_.token.empty() || token == options_.token);
    if (!is_good && !needs_no_token(c.path))
        return no_token_response();
    return dispatch(c);
}

http_response monasca_api::state::dispatch(const call& c) {
    bool is_known = false;
    for (const auto& r : routes) {
        if (r.path != c.path)
            continue;
        is_known = true;
        if (r.method == c.request.method)
            return (this->*r.serve)(c);
    }
    if (is_known)
        return wrong_method(c);
    const bool is_one_segment = c.path.find('/', 1) == std::string_view::npos;
    if (is_one_segment && c.request.method == "GET")
        throw monasca_refusal(
            {422,
             "Invalid version",
             fmt::format("No versions found matching {}", percent_decoded(c.path.substr(1)))});
    if (is_one_segment)
        return wrong_method(c);
    return to_response({404, "404 Not Found", {}}, c.request);
}

http_response monasca_api::state::wrong_method(const call& c) const {
    std::string allowed;
    for (const auto& r : routes)
        if (r.path == c.path)
            allowed += fmt::format("{}, ", r.method);
    if (allowed.empty())
        allowed = "GET, ";
    allowed += "OPTIONS";
    http_response response;
    if (c.request.method != "OPTIONS")
        response = to_response({405, "405 Method Not Allowed", {}}, c.request);
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

http_response monasca_api::state::get_health(const call&) {
    auto response =
        json_response(200, R"({"kafka":"OK","alarms_database":"OK","metrics_database":"OK"})");
    response.fields.emplace_back("Cache-Control", "must-revalidate, no-cache, no-store");
    return response;
}

http_response monasca_api::state::head_health(const call&) {
    http_response response;
    response.status = 204;
    response.fields.emplace_back("Cache-Control", "must-revalidate, no-cache, no-store");
    return response;
}

std::string monasca_api::state::tenant_of(const monasca_query& query) const {
    auto wanted = options_.may_delegate ? query.tenant() : std::string();
    return wanted.empty() ? options_.tenant : wanted;
}

template <std::string (*Read)(const read_request&)>
http_response monasca_api::state::read(const call& c) {
    if (!options_.has_role)
        return no_role_response(c.request);
    const monasca_query query(c.request.query);
    const auto uri = uri_of(c.request, c.request.path);
    const auto tenant = tenant_of(query);
    return json_response(200, Read({query, store_.series_of(tenant), uri, c.request.query}));
}

http_response monasca_api::state::post_metrics(const call& c) {
    ++totals_.posts;
    if (c.request.field("content-type") != "application/json")
        throw monasca_refusal({400, "Bad request", "Bad content type. Must be application/json"});
    if (!options_.has_role)
        return no_role_response(c.request);

    const monasca_refusal no_json({400, "Bad request", "Request body is not valid JSON"});
    const monasca_refusal too_large({413, "Request Entity Too Large", "The body is too large"});
    std::string_view body = c.request.body;
    std::string inflated;
    if (options_.takes_gzip && c.request.field("content-encoding") == "gzip") {
        auto made = compress::inflate(body);
        if (!made)
            throw made.error() == errc::too_large ? too_large : no_json;
        inflated = std::move(*made);
        body = inflated;
    }
    // Servers of WSGI see no body where there is no length.
    if (c.request.is_chunked)
        throw no_json;
    const auto json = python::document::read(body);
    if (!json)
        throw json.error() == errc::too_large ? too_large : no_json;
    if (auto no = why_not_metrics(json->root()))
        throw monasca_refusal(std::move(*no));
    take(c, *json, body.size());
    http_response response;
    response.status = 204;
    return response;
}

// Takes the metrics of a body that the API accepts.
void monasca_api::state::take(const call& c, const python::document& json, std::size_t body_bytes) {
    const monasca_query query(c.request.query);
    const auto tenants = query.find_all("tenant_id");
    if (tenants.size() > 1 || (tenants.size() == 1 && !is_tenant_id(tenants.front())))
        record(violation::bad_tenant, fmt::format("tenant_id {}", query.tenant()));
    if (has_field(c.request.fields, "expect"))
        record(violation::expect, "the request asks for 100 Continue");
    if (json.has_repeated_keys())
        record(violation::repeated_member, "two equal keys in one object");

    const auto measurements = to_measurements(json.root());
    std::vector<bool> is_storable(measurements.size(), true);
    for (const auto& found : find_violations(json.root(), body_bytes, c.now)) {
        const bool has_metric = found.metric < measurements.size();
        record(
            found.what,
            has_metric ? fmt::format("metric {}: {}", measurements[found.metric].name, found.detail)
                       : found.detail);
        if (has_metric && !sink::is_storable(found.what))
            is_storable[found.metric] = false;
    }
    const auto tenant = tenant_of(query);
    for (std::size_t i = 0; i < measurements.size(); ++i)
        keep(tenant, measurements[i], is_storable[i] && std::isfinite(measurements[i].timestamp));
}

void monasca_api::state::keep(const std::string& tenant, const measurement& m, bool is_storable) {
    using written = monasca_store::written;
    monasca_store::result done{.how = written::not_kept};
    if (is_storable)
        done = store_.write(tenant, m);
    auto& metric = tally_of(m.name);
    ++totals_.accepted;
    ++metric.counts.count;
    metric.sum.add(m.value);
    metric.counts.series += done.is_new_series ? 1 : 0;
    switch (done.how) {
    case written::fresh: break;
    case written::repeat:
        ++totals_.repeats;
        ++metric.counts.repeats;
        metric.repeated.add(m.value);
        break;
    case written::overwritten:
        ++totals_.overwritten;
        ++metric.counts.overwritten;
        break;
    case written::not_kept:
        ++totals_.not_kept;
        ++metric.counts.not_kept;
        break;
    }
    if (options_.on_measurement)
        options_.on_measurement(tenant, m);
}

monasca_api::state::metric_tally& monasca_api::state::tally_of(const std::string& name) {
    if (const auto found = metrics_.find(name); found != metrics_.end())
        return found->second;
    if (metrics_.size() >= options_.max_metrics) {
        totals_.metrics_full = true;
        return other_metrics_;
    }
    return metrics_[name];
}

void monasca_api::state::record(violation what, std::string_view detail) {
    ++totals_.violations;
    const auto count = ++totals_.violations_by[static_cast<std::size_t>(what)];
    if (!options_.log || count > max_log_lines)
        return;
    options_.log(fmt::format(
        "sink: monasca: contract violation: {}: {}{}",
        sink::name(what),
        printable(detail),
        count == max_log_lines ? "; further ones of this kind are only counted" : ""));
}

monasca_summary monasca_api::state::snapshot() const {
    const auto finish = [](const metric_tally& t) {
        auto made = t.counts;
        made.sum = t.sum.value();
        made.repeated_sum = t.repeated.value();
        return made;
    };
    const std::lock_guard lock(mutex_);
    auto made = totals_;
    made.points = store_.points();
    made.dropped_points = store_.dropped_points();
    for (const auto& [name, tally] : metrics_)
        made.metrics.emplace_back(finish(tally)).name = name;
    made.other_metrics = finish(other_metrics_);
    return made;
}

monasca_api::monasca_api(monasca_options wanted)
    : state_(std::make_unique<state>(std::move(wanted))) {}

monasca_api::~monasca_api() = default;

http_response monasca_api::serve(const http_request& request, std::int64_t now_milliseconds) {
    return state_->serve(request, now_milliseconds);
}

monasca_summary monasca_api::snapshot() const {
    return state_->snapshot();
}

} // namespace monarc::sink
