#include "auth/refresh_log.hpp"

#include <fmt/format.h>

#include <utility>

namespace monarc::auth {

refresh_log::refresh_log(say_function say, std::string who)
    : log_([say = std::move(say)](const log_line& line) { say(line.level, line.text); }),
      who_(std::move(who)) {}

void refresh_log::failed(std::string_view why, bool has_token, time_point now) {
    ++in_a_row_;
    if (has_token) {
        failing_.happened(
            log_,
            log_level::warning,
            fmt::format("{}; the present token goes on being used", why),
            now);
    }
}

void refresh_log::issued() {
    if (failing_.goes_on()) {
        log_(
            log_level::info,
            fmt::format("{}: a new token after {} failed logins", who_, in_a_row_));
        failing_ = {};
    }
    in_a_row_ = 0;
}

} // namespace monarc::auth
