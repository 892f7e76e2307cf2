// The command monasca.

#include "monasca/arguments.hpp"
#include "monasca/completions.hpp"
#include "monasca/credentials.hpp"
#include "monasca/handlers.hpp"
#include "monasca/help.hpp"
#include "monasca/session.hpp"
#include "monasca/terminal.hpp"
#include "monasca/traffic_log.hpp"

#include <monarc/api.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <system_error>

using namespace monarc;
using namespace monarc::tool;

namespace {

constexpr int broken_pipe = 141;
constexpr int wrong_use = 2;

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
        const auto verbose = what.flags.find("--verbose");
        log.emplace(from, verbose == what.flags.end() ? 0 : verbose->second);
        options.trace = [&](const monasca::exchange_line& line) { log->say(line); };
        return options;
    });
    s.set_format(*format_of(given));
    int code = 0;
    try {
        handler_of (*given.command)(s);
    } catch (const session::soft_end&) {
    } catch (const failure& why) {
        write_all(STDERR_FILENO, why.text + '\n');
        return end_with(s.out(), why.code); // warnings that came before
    }
    if (given.has_flag("--timing") && log) {
        s.print('\n' + log->timings().drawn());
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

int show_help(std::string_view word) {
    const auto text = help_about(word);
    if (text.empty()) {
        write_all(STDERR_FILENO, fmt::format("monasca: '{}' is not a valid subcommand\n", word));
        return 1;
    }
    return end_with(text, 0);
}

// Commands that ask nobody, and words that are none.
int run_words(const arguments& given) {
    if (given.words.empty()) {
        return end_with(overview(), 0);
    }
    const auto& first = given.words.front();
    const auto name = first == "bash_completion" ? "bash-completion" : extra_command(first);
    if (name == "help") {
        return given.words.size() < 2 ? end_with(overview(), 0) : show_help(given.words[1]);
    }
    if (given.wants_help) {
        return show_help(first);
    }
    if (name == "complete") {
        return end_with(completion_for(given.words), 0);
    }
    if (name == "bash-completion") {
        return end_with(all_words(), 0);
    }
    if (name == "man-page") {
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
    end_at_once_when_interrupted();
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
