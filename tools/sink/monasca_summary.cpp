#include "sink/monasca_summary.hpp"

#include "sink/json_members.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace monarc::sink {
namespace {

// JSON has no infinity: a sum beyond the range of a double is null.
std::string number_json(double number) {
    return std::isfinite(number) ? fmt::format("{}", number) : "null";
}

void append_metric(std::string& out, const metric_summary& m) {
    json_members(out)
        .number("count", m.count)
        .raw("sum", number_json(m.sum))
        .number("series", m.series)
        .number("repeats", m.repeats)
        .raw("repeated_sum", number_json(m.repeated_sum))
        .number("overwritten", m.overwritten)
        .number("not_kept", m.not_kept)
        .end();
}

} // namespace

std::string to_json(const monasca_summary& s) {
    std::string out;
    json_members top(out);
    top.number("posts", s.posts).number("accepted", s.accepted).number("repeats", s.repeats);
    top.number("overwritten", s.overwritten).number("not_kept", s.not_kept);
    top.number("pending", s.pending);
    top.number("points", s.points).number("dropped_points", s.dropped_points);

    top.name("responses");
    json_members responses(out);
    for (const auto& [status, count] : s.responses)
        responses.number(fmt::format("{}", status), count);
    responses.end();

    top.number("violations", s.violations).name("violations_by");
    json_members by(out);
    for (std::size_t i = 0; i < violation_count; ++i)
        by.number(name(static_cast<violation>(i)), s.violations_by[i]);
    by.end();

    top.name("metrics");
    json_members metrics(out);
    for (const auto& m : s.metrics) {
        metrics.name(m.name);
        append_metric(out, m);
    }
    metrics.end();
    top.name("other_metrics");
    append_metric(out, s.other_metrics);
    top.boolean("metrics_full", s.metrics_full).raw("http", to_json(s.http)).end();
    return out;
}

std::string to_text(const monasca_summary& s) {
    std::string out;
    const auto to_out = std::back_inserter(out);
    fmt::format_to(
        to_out,
        "monasca   {} measurements in {} requests, {} repeats, {} overwritten\n",
        s.accepted,
        s.posts,
        s.repeats,
        s.overwritten);
    for (const auto& [status, count] : s.responses)
        fmt::format_to(to_out, "answered  {}: {}\n", status, count);
    for (const auto& m : s.metrics)
        fmt::format_to(
            to_out,
            "metric    {}: {} measurements in {} series, sum {}\n",
            m.name,
            m.count,
            m.series,
            m.sum);
    if (s.metrics_full)
        fmt::format_to(to_out, "metric    (others): {} measurements\n", s.other_metrics.count);
    for (std::size_t i = 0; i < violation_count; ++i)
        if (s.violations_by[i] != 0)
            fmt::format_to(
                to_out, "violated  {}: {}\n", name(static_cast<violation>(i)), s.violations_by[i]);
    if (s.dropped_points != 0)
        fmt::format_to(to_out, "dropped   {} points, to make room\n", s.dropped_points);
    return out;
}

} // namespace monarc::sink
