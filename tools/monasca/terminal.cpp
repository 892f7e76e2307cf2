#include "monasca/terminal.hpp"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

namespace monarc::tool {
namespace {

constexpr int interrupted = 130;

// How the terminal was before it was made silent. Only the handler of SIGINT needs it.
termios loud_terminal{};
volatile std::sig_atomic_t terminal_is_silent = 0;

void end_at_once(int) {
    if (terminal_is_silent != 0) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud_terminal);
    }
    ::_exit(interrupted);
}

} // namespace

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

std::optional<secret> ask_password() {
    if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &loud_terminal) != 0) {
        return {};
    }
    auto silent = loud_terminal;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    terminal_is_silent = 1;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent); // first: it drops what was typed before
    write_all(STDERR_FILENO, "Password: ");
    std::string typed;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
        typed += c;
    }
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud_terminal);
    terminal_is_silent = 0;
    write_all(STDERR_FILENO, "\n");
    secret password(typed);
    ::explicit_bzero(typed.data(), typed.size());
    return password;
}

void end_at_once_when_interrupted() {
    std::signal(SIGINT, end_at_once);
}

void hide_secrets(int argc, char** argv) {
    constexpr std::string_view options[] = {
        "--os-password",
        "--os-token",
        "--os-auth-token",
        "--os-application-credential-secret",
        "--os-client-secret",
        "--os-access-token",
        "--os-access-secret",
        "--os-consumer-secret",
        "--os-passcode"};
    for (int i = 1; i < argc; ++i) {
        std::string word(argv[i]);
        std::replace(word.begin(), word.end(), '_', '-');
        const auto equals = word.find('=');
        const auto name = std::string_view(word).substr(0, equals);
        for (const auto option : options) {
            if (name.size() < 6 || !option.starts_with(name)) {
                continue;
            }
            char* const value = equals != word.npos ? argv[i] + equals + 1
                                : i + 1 < argc      ? argv[i + 1]
                                                    : nullptr;
            if (value != nullptr) {
                ::memset(value, '*', ::strlen(value));
            }
            break;
        }
    }
}

} // namespace monarc::tool
