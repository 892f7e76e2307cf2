#include "progress.hpp"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <utility>

namespace example {

progress::progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

bool progress::show() {
    const auto now = done();
    const auto percent = now * 100 / total_;
    if (percent >= shown_ + (is_terminal_ ? 1 : 10)) {
        shown_ = is_terminal_ ? percent : percent / 10 * 10;
        std::printf(
            "%s%3" PRIu64 " %% of %" PRIu64 " %s%s",
            is_terminal_ ? "\r\033[K" : "",
            shown_,
            total_,
            what_.c_str(),
            is_terminal_ && now < total_ ? "" : "\n");
        std::fflush(stdout);
    }
    return now < total_;
}

} // namespace example
