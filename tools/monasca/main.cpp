// The command monasca.

#include "monasca/arguments.hpp"
#include "monasca/completions.hpp"
#include "monasca/credentials.hpp"
#include "monasca/help.hpp"
#include "monasca/session.hpp"

#include <monarc/api.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <system_error>

using namespace monarc;
using namespace monarc::tool;

namespace {

constexpr int broken_pipe = 141;
constexpr int interrupted = 130;
constexpr int wrong_use = 2;

// Returns: whether all of it was written.
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

// Ends as the reader of the output wants it.
int end_with(std::string_view out, int code) {
    if (write_all(STDOUT_FILENO, out)) {
        return code;
    }
    if (errno == EPIPE) {
        return broken_pipe;
    }
    write_all(
        STDERR_FILENO,
        fmt::format("monasca: standard output: {}\n", std::system_category().message(errno)));
    return 1;
}

// Where traffic is told: standard error, and a file.
class traffic_log {
public:
    explicit traffic_log(const settings& s) {
        is_whole_ = s.is_on("--debug");
        is_told_ = is_whole_;
        if (const auto name = s.value("--log-file"); !name.empty()) {
            file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            if (file_ < 0) {
                throw failure{fmt::format(
                    "monasca: --log-file {}: {}", name, std::system_category().message(errno))};
            }
        }
    }
    ~traffic_log() {
        if (file_ >= 0) {
            ::close(file_);
        }
    }
    traffic_log(const traffic_log&) = delete;
    traffic_log& operator=(const traffic_log&) = delete;

    void set_verbose(int times) {
        is_told_ = is_told_ || times > 0;
        is_whole_ = is_whole_ || times > 1;
    }

    void say(const monasca::exchange_line& line) {
        timings.add({std::string(line.url), fmt::format("{:.6f}", line.took.count())});
        total += line.took.count();
        if (!is_told_ && file_ < 0) {
            return;
        }
        auto text = fmt::format(
            "{} {}: {} in {:.3f} s\n",
            line.method,
            line.url,
            line.status == 0 ? std::string(line.answer) : std::to_string(line.status),
            line.took.count());
        if (is_whole_) {
            text += line.body.empty() ? "" : fmt::format("  sent: {}\n", line.body);
            text += fmt::format("  answered: {}\n", line.answer);
        }
        if (is_told_) {
            write_all(STDERR_FILENO, text);
        }
        if (file_ >= 0) {
            write_all(file_, text);
        }
    }

    text_table timings{{"URL", "Seconds"}};
    double total = 0;

private:
    int file_ = -1;
    bool is_told_ = false;
    bool is_whole_ = false;
};

// How the terminal was before it was made silent. Only the handler of SIGINT needs it.
termios loud_terminal{};
volatile std::sig_atomic_t terminal_is_silent = 0;

void end_at_once(int) {
    if (terminal_is_silent != 0) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud_terminal);
    }
    ::_exit(interrupted);
}

std::optional<secret> ask_password() {
    if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &loud_terminal) != 0) {
        return {};
    }
    auto silent = loud_terminal;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    write_all(STDERR_FILENO, "Password: ");
    terminal_is_silent = 1;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
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

// D-11.9: whoever lists the processes must not see them for longer than it takes to read them.
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

std::optional<output_format> format_of(const arguments& given) {
    const auto found = given.globals.find("--format");
    if (given.has_flag("--json") || (found != given.globals.end() && found->second == "json")) {
        return output_format::json;
    }
    if (found == given.globals.end() || found->second == "table") {
        return output_format::table;
    }
    const std::string_view name = found->second;
    return name == "value"  ? std::optional(output_format::value)
           : name == "csv"  ? std::optional(output_format::csv)
           : name == "yaml" ? std::optional(output_format::yaml)
                            : std::nullopt;
}

// What the choices of options are, where there are some.
std::string wrong_choice(const arguments& given) {
    if (!format_of(given)) {
        return "argument --format: invalid choice (choose from table, value, json, csv, yaml)";
    }
    const auto found = given.globals.find("--os-interface");
    if (found != given.globals.end() && found->second != "public" && found->second != "internal" &&
        found->second != "admin") {
        return fmt::format(
            "argument --os-interface: invalid choice: '{}' (choose from public, internal, admin)",
            found->second);
    }
    return {};
}

int refuse(const command_definition* command, std::string_view why) {
    write_all(
        STDERR_FILENO,
        fmt::format(
            "{}monasca{}{}: error: {}\n",
            usage_of(command),
            command == nullptr ? "" : " ",
            command == nullptr ? "" : command->name,
            why));
    return wrong_use;
}

int run_command(const arguments& given) {
    const surroundings around{
        .variable = ::getenv, .clouds = read_clouds, .ask_password = ask_password};
    std::optional<traffic_log> log;
    session s(given, [&](const arguments& what) {
        const settings from(what, around);
        auto options = from.client_options();
        log.emplace(from);
        const auto verbose = what.flags.find("--verbose");
        log->set_verbose(verbose == what.flags.end() ? 0 : verbose->second);
        options.trace = [&](const monasca::exchange_line& line) { log->say(line); };
        return options;
    });
    s.set_format(*format_of(given));
    int code = 0;
    try {
        given.command->run(s);
    } catch (const session::soft_end&) {
    } catch (const failure& why) {
        write_all(STDERR_FILENO, why.text + '\n');
        return why.code; // what was printed until then is not worth its name
    }
    if (given.has_flag("--timing") && log) {
        log->timings.add({"Total", fmt::format("{:.6f}", log->total)});
        s.print('\n' + log->timings.drawn());
    }
    return end_with(s.out(), code);
}

std::string completion_for(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto& word = words[i];
        const auto shell = word == "--shell" && i + 1 < words.size() ? words[i + 1]
                           : word.starts_with("--shell=")            ? word.substr(8)
                                                                     : std::string();
        if (shell == "zsh") {
            return zsh_completion();
        }
        if (shell == "fish") {
            return fish_completion();
        }
    }
    return bash_completion();
}

// Commands that ask nobody, and words that are none.
int run_words(const arguments& given) {
    if (given.words.empty()) {
        return end_with(overview(), 0);
    }
    const auto& first = given.words.front();
    if (first == "help") {
        if (given.words.size() < 2) {
            return end_with(overview(), 0);
        }
        const auto* const command = find_command(given.words[1]);
        if (command == nullptr) {
            write_all(
                STDERR_FILENO,
                fmt::format("monasca: '{}' is not a valid subcommand\n", given.words[1]));
            return 1;
        }
        return end_with(help_of(*command), 0);
    }
    if (given.wants_help) {
        return end_with(overview(), 0);
    }
    if (first == "complete") {
        return end_with(completion_for(given.words), 0);
    }
    if (first == "bash-completion" || first == "bash_completion") {
        return end_with(all_words(), 0);
    }
    if (first == "man-page") {
        return end_with(manual_page(), 0);
    }
    return end_with(unknown_command(given.words), wrong_use);
}

int run(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    hide_secrets(argc, argv);
    const auto given = read_arguments(words);
    if (given.wants_version) {
        return end_with("monasca " MONARC_VERSION_STRING "\n", 0);
    }
    if (given.wants_help && given.command != nullptr) {
        return end_with(help_of(*given.command), 0);
    }
    if (!given.wrong.empty() && !given.wants_help) {
        return refuse(given.command, given.wrong);
    }
    if (given.command == nullptr) {
        return run_words(given);
    }
    if (const auto wrong = wrong_choice(given); !wrong.empty()) {
        return refuse(given.command, wrong);
    }
    return run_command(given);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a reader of our output that leaves has an exit code of its own
    std::signal(SIGINT, end_at_once);
    try {
        return run(argc, argv);
    } catch (const std::bad_alloc&) {
        write_all(STDERR_FILENO, "monasca: out of memory\n");
    } catch (const std::exception& unexpected) {
        write_all(
            STDERR_FILENO,
            fmt::format("monasca: unexpected: {}; please report this\n", unexpected.what()));
    }
    return 1;
}
