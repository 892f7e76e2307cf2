#include "send/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace monarc::send {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";
constexpr std::size_t usual_width = 80;

std::string_view variable(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? text : "";
}

} // namespace

// NO_COLOR counts if it is there and not empty (no-color.org).
console::console()
    : is_terminal_(::isatty(STDERR_FILENO) == 1 && variable("TERM") != "dumb"),
      has_colour_(is_terminal_ && variable("NO_COLOR").empty()) {}

std::size_t console::width() const noexcept {
    winsize size = {};
    const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return is_known ? size.ws_col : usual_width;
}

void console::write(std::string_view bytes) const noexcept {
    while (!bytes.empty()) {
        const auto count = ::write(STDERR_FILENO, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return; // nobody reads: the exit code still says what happened
        }
        bytes.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

void console::say(std::string_view line) {
    const std::lock_guard guard(lock_);
    std::string out;
    out += bar_.empty() ? "" : clear_line;
    out += line;
    out += '\n';
    out += bar_;
    write(out);
}

void console::show_bar(std::string bar) {
    const std::lock_guard guard(lock_);
    bar_ = std::move(bar);
    write(std::string(clear_line) + bar_);
}

void console::remove_bar() {
    const std::lock_guard guard(lock_);
    if (!std::exchange(bar_, {}).empty()) {
        write(clear_line);
    }
}

} // namespace monarc::send
