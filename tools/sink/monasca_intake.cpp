#include "sink/monasca_intake.hpp"

#include "compress/inflate.hpp"
#include "sink/monasca_errors.hpp"
#include "sink/monasca_query.hpp"
#include "sink/monasca_violations.hpp"
#include "sink/python_json.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

namespace monarc::sink {
namespace {

constexpr std::uint64_t max_log_lines = 5; // of each kind of violation
constexpr std::size_t max_logged_bytes = 200;
constexpr std::size_t max_pending = 1000; // section 4: what a producer takes without Kafka

bool is_tenant_id(std::string_view text) noexcept {
    return text.size() == 32 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// What stderr is told of somebody else's bytes.
std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, max_logged_bytes))
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

// What the Java API refuses besides.
std::optional<monasca_error> why_not_java(const monasca_call& c, const python::document& json) {
    for (const auto& found : find_violations(json.root(), 0, c.now))
        switch (found.what) {
        case violation::timestamp_window:
            if (may_delegate(c.who))
                break;
            [[fallthrough]];
        case violation::timestamp_range:
        case violation::stricter_api:
            return monasca_error{422, "Unprocessable Entity", found.detail};
        case violation::timestamp_kind:
        case violation::value_kind:
        case violation::extra_member:
        case violation::meta_kind:
            return monasca_error{
                400,
                "Bad Request",
                fmt::format("Unable to process the provided JSON: {}", found.detail)};
        default: break;
        }
    return std::nullopt;
}

} // namespace

std::string tenant_of(const monasca_call& c, const monasca_query& query) {
    auto wanted = may_delegate(c.who) ? query.tenant() : std::string();
    return wanted.empty() ? c.who.project : wanted;
}

http_response monasca_intake::post(const monasca_call& c, const monasca_switches& switches) {
    const monasca_refusal no_json({400, "Bad request", "Request body is not valid JSON"});
    const monasca_refusal too_large({413, "Request Entity Too Large", "The body is too large"});
    const bool takes_gzip = switches.takes_gzip || switches.is_java;
    std::string_view body = c.request.body;
    std::string inflated;
    if (takes_gzip && c.request.field("content-encoding") == "gzip") {
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
    if (switches.is_java)
        if (auto no = why_not_java(c, *json))
            throw monasca_refusal(std::move(*no));
    const bool waits = switches.kafka == kafka_state::down;
    if (is_wedged(c, switches) || !take(c, *json, body.size(), waits))
        return broken_response();
    http_response response;
    response.status = 204;
    return response;
}

// Takes the metrics of a body that the API accepts.
// Returns: false if there was no room for all of them in front of Kafka.
bool monasca_intake::take(
    const monasca_call& c, const python::document& json, std::size_t body_bytes, bool waits) {
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
    const auto tenant = tenant_of(c, query);
    for (std::size_t i = 0; i < measurements.size(); ++i) {
        pending_measurement one{
            tenant,
            measurements[i],
            is_storable[i] && std::isfinite(measurements[i].timestamp),
            c.now};
        if (!waits)
            keep(one);
        else if (pending_.size() == max_pending)
            return false;
        else
            pending_.push_back(std::move(one));
    }
    return true;
}

// Of the connections that came later, every second one has found a worker that is well.
bool monasca_intake::is_wedged(
    const monasca_call& c, const monasca_switches& switches) const noexcept {
    const auto connection = c.request.connection;
    return switches.kafka == kafka_state::wedged &&
           (connection <= wedged_connection_ || (connection - wedged_connection_) % 2 != 0);
}

void monasca_intake::switch_kafka(kafka_state from, kafka_state to, std::size_t last_connection) {
    if (to == kafka_state::wedged && from != to)
        wedged_connection_ = last_connection;
    if (to == kafka_state::down)
        return;
    for (const auto& one : std::exchange(pending_, {}))
        keep(one);
}

void monasca_intake::keep(const pending_measurement& one) {
    const auto& m = one.what;
    using written = monasca_store::written;
    monasca_store::result done{.how = written::not_kept};
    if (one.is_storable)
        done = store_.write(one.tenant, m);
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
    if (one.is_storable)
        on_stored_(one.tenant, m, one.arrived);
    if (options_.on_measurement)
        options_.on_measurement(one.tenant, m);
}

monasca_intake::metric_tally& monasca_intake::tally_of(const std::string& name) {
    if (const auto found = metrics_.find(name); found != metrics_.end())
        return found->second;
    if (metrics_.size() >= options_.max_metrics) {
        totals_.metrics_full = true;
        return other_metrics_;
    }
    return metrics_[name];
}

void monasca_intake::record(violation what, std::string_view detail) {
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

void monasca_intake::report(monasca_summary& into) const {
    const auto finish = [](const metric_tally& t) {
        auto made = t.counts;
        made.sum = t.sum.value();
        made.repeated_sum = t.repeated.value();
        return made;
    };
    auto made = totals_;
    made.responses = std::move(into.responses);
    made.posts = into.posts;
    made.pending = pending_.size();
    made.points = store_.points();
    made.dropped_points = store_.dropped_points();
    for (const auto& [name, tally] : metrics_)
        made.metrics.emplace_back(finish(tally)).name = name;
    made.other_metrics = finish(other_metrics_);
    into = std::move(made);
}

} // namespace monarc::sink
