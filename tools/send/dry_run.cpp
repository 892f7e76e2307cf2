#include "send/dry_run.hpp"

#include "send/summary.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace monarc::send {

int dry_run(
    row_source& from, target& to, console& out, const std::string& file, std::uint64_t limit) {
    row r;
    std::string why;
    int code = exit_complete;
    for (std::uint64_t shown = 0; shown < limit;) {
        const auto what = from.next(r, why);
        if (what == found::end || what == found::interrupted) {
            break;
        }
        if (what == found::failed) {
            out.say(fmt::format("send: read {}: {}", file, why));
            return exit_lost;
        }
        if (what == found::row) {
            why = to.prepare(r);
        }
        if (!why.empty()) {
            out.say(fmt::format("send: {}:{}: {}; would be left out", file, r.first_line, why));
            code = exit_bad_lines;
            why.clear();
            continue;
        }
        fmt::print("{}\n", to.shown());
        ++shown;
    }
    return std::fflush(stdout) == 0 ? code : exit_lost;
}

} // namespace monarc::send
