#include "sink/keystone_summary.hpp"

#include "sink/json_members.hpp"

namespace monarc::sink {

std::string to_json(const keystone_summary& s) {
    std::string out;
    json_members top(out);
    top.number("logins", s.logins).number("refused_logins", s.refused_logins);
    top.number("revoked", s.revoked).name("responses");
    json_members responses(out);
    for (const auto& [status, count] : s.responses)
        responses.number(fmt::format("{}", status), count);
    responses.end();
    top.end();
    return out;
}

std::string to_text(const keystone_summary& s) {
    return fmt::format(
        "keystone  {} logins, {} refused, {} tokens revoked\n",
        s.logins,
        s.refused_logins,
        s.revoked);
}

} // namespace monarc::sink
