#include "send/dry_run.hpp"

#include "send/bad_line.hpp"
#include "send/standard_output.hpp"
#include "send/stop_signals.hpp"
#include "send/summary.hpp"

#include <fmt/format.h>

#include <optional>

namespace monarc::send {
namespace {

class showing {
public:
    showing(row_source& from, target& to, console& out, const dry_run_options& options)
        : from_(from), to_(to), out_(out), options_(options) {}

    int run() {
        while (shown_ < options_.limit) {
            const auto what = from_.next(row_, why_);
            if (what == found::end) {
                break;
            }
            if (const auto code = take(what)) {
                return *code;
            }
        }
        if (!options_.is_quiet) {
            out_.say(fmt::format(
                "send: {}: a dry run: {} records shown, {} bad lines, nothing sent",
                options_.file,
                shown_,
                bad_lines_));
        }
        return bad_lines_ != 0 ? exit_bad_lines : exit_complete;
    }

private:
    // Returns: the exit code if it is over.
    std::optional<int> take(found what) {
        if (what == found::interrupted) {
            return exit_signal + first_stop_signal();
        }
        if (what == found::failed) {
            out_.say(fmt::format("send: read {}: {}", options_.file, why_));
            return exit_lost;
        }
        if (what == found::row) {
            why_ = to_.prepare(row_);
        }
        if (!why_.empty()) {
            return take_bad();
        }
        if (const auto ec = write_standard_output(to_.shown() + '\n')) {
            out_.say(fmt::format("send: write to stdout: {}", ec.message()));
            return exit_lost;
        }
        ++shown_;
        return std::nullopt;
    }

    std::optional<int> take_bad() {
        if (++bad_lines_ <= most_bad_named) {
            out_.say(fmt::format(
                "send: {}:{}: {}; would be left out", options_.file, lines_of(row_), why_));
        }
        why_.clear();
        if (bad_lines_ <= options_.max_bad) {
            return std::nullopt;
        }
        out_.say(too_many_bad(options_.file, options_.max_bad));
        return exit_lost;
    }

    row_source& from_;
    target& to_;
    console& out_;
    const dry_run_options& options_;
    row row_;
    std::string why_;
    std::uint64_t shown_ = 0;
    std::uint64_t bad_lines_ = 0;
};

} // namespace

int dry_run(row_source& from, target& to, console& out, const dry_run_options& options) {
    return showing(from, to, out, options).run();
}

} // namespace monarc::send
