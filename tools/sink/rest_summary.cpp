#include "sink/rest_summary.hpp"

#include "sink/json_members.hpp"

#include <fmt/format.h>

#include <iterator>

namespace monarc::sink {

std::string to_json(const rest_summary& s) {
    std::string out;
    json_members top(out);
    top.number("posts", s.posts).number("accepted", s.accepted).number("refused", s.refused);
    top.number("repeated_requests", s.repeated_requests).number("inflated", s.inflated);
    top.number("not_kept", s.not_kept).number("logins", s.tokens.logins);
    top.number("refreshes", s.tokens.refreshes).number("refused_logins", s.tokens.refused);

    top.name("responses");
    json_members responses(out);
    for (const auto& [status, count] : s.responses)
        responses.number(fmt::format("{}", status), count);
    responses.end();

    top.number("violations", s.violations).name("violations_by");
    json_members by(out);
    for (std::size_t i = 0; i < rest_violation_count; ++i)
        by.number(name(static_cast<rest_violation>(i)), s.violations_by[i]);
    by.end();
    top.raw("http", to_json(s.http)).end();
    return out;
}

std::string to_text(const rest_summary& s) {
    std::string out;
    const auto to_out = std::back_inserter(out);
    fmt::format_to(
        to_out,
        "rest      {} messages in {} requests, {} refused, {} requests repeated, {} logins, {} "
        "refreshes\n",
        s.accepted,
        s.posts,
        s.refused,
        s.repeated_requests,
        s.tokens.logins,
        s.tokens.refreshes);
    for (const auto& [status, count] : s.responses)
        fmt::format_to(to_out, "answered  {}: {}\n", status, count);
    for (std::size_t i = 0; i < rest_violation_count; ++i)
        if (s.violations_by[i] != 0)
            fmt::format_to(
                to_out,
                "violated  {}: {}\n",
                name(static_cast<rest_violation>(i)),
                s.violations_by[i]);
    return out;
}

} // namespace monarc::sink
