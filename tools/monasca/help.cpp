#include "monasca/help.hpp"

#include "monasca/arguments.hpp"

#include <monarc/api.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace monarc::tool {
namespace {

constexpr std::size_t help_column = 30;

struct extra {
    std::string_view name;
    std::string_view help;
};
constexpr extra extras[] = {
    {"help", "this text, or that of a command"},
    {"complete", "a completion script: --shell bash, zsh or fish"},
    {"bash-completion", "all commands and options, on one line"},
    {"man-page", "the manual page"}};

void put_row(std::string& out, std::string_view left, std::string_view right) {
    if (left.size() + 4 > help_column) {
        out += fmt::format("  {}\n{:{}}{}\n", left, "", help_column, right);
    } else {
        out += fmt::format("  {:{}}{}\n", left, help_column - 2, right);
    }
}

std::string shown(const global_definition& one) {
    std::string text;
    if (one.letter != 0) {
        text = fmt::format("-{}, ", one.letter);
    }
    text += one.name;
    if (one.has_value()) {
        text += fmt::format(" {}", one.value);
    }
    return text;
}

std::string shown(const argument_definition& one) {
    return one.has_value() && !one.is_positional() ? fmt::format("{} {}", one.name, one.value)
                                                   : std::string(one.name);
}

std::string help_text(const global_definition& one) {
    std::string text(one.help);
    if (!one.variable.empty()) {
        text += fmt::format(" [{}]", one.variable);
    }
    if (!one.alias.empty()) {
        text += fmt::format(" (also {})", one.alias);
    }
    return text;
}

// How many letters must change; small words only.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t i = 0; i <= b.size(); ++i) {
        row[i] = i;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto corner = row[0];
        row[0] = i;
        for (std::size_t k = 1; k <= b.size(); ++k) {
            const auto above = row[k];
            row[k] = std::min({above + 1, row[k - 1] + 1, corner + (a[i - 1] == b[k - 1] ? 0 : 1)});
            corner = above;
        }
    }
    return row[b.size()];
}

std::string escaped_for_roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out.starts_with('.') ? "\\&" + out : out;
}

void put_roff_row(std::string& out, std::string_view term, std::string_view text) {
    out += fmt::format(".TP\n.B {}\n{}\n", escaped_for_roff(term), escaped_for_roff(text));
}

} // namespace

std::string usage_of(const command_definition* command) {
    if (command == nullptr) {
        return "usage: monasca [options] <command> [arguments and options in any order]\n";
    }
    auto text = fmt::format("usage: monasca {}", command->name);
    for (const auto& one : command->arguments) {
        if (!one.is_positional()) {
            text += fmt::format(" [{}]", shown(one));
        }
    }
    for (const auto& one : command->arguments) {
        if (one.is_positional()) {
            text += one.is_optional ? fmt::format(" [{}]", one.name) : fmt::format(" {}", one.name);
        }
    }
    return text + '\n';
}

std::string help_of(const command_definition& command) {
    auto text = usage_of(&command) + fmt::format("\n{}\n\n", command.help);
    for (const auto& one : command.arguments) {
        put_row(text, shown(one), one.help);
    }
    put_row(text, "-j, --json", "the answer as JSON");
    put_row(text, "-h, --help", "this text");
    return text + "\nOptions of all commands: monasca help\n";
}

std::string_view extra_command(std::string_view word) noexcept {
    const auto begins_so = [&](const auto& one) {
        return !word.empty() && one.name.starts_with(word);
    };
    const auto found = std::find_if(std::begin(extras), std::end(extras), begins_so);
    const auto all = commands();
    const bool is_only = std::none_of(all.begin(), all.end(), begins_so);
    return found != std::end(extras) && is_only ? found->name : std::string_view();
}

std::string help_about(std::string_view word) {
    if (const auto* const command = find_command(word)) {
        return help_of(*command);
    }
    std::string all;
    for (const auto& one : commands()) {
        all += one.name.starts_with(word) ? fmt::format("  {}\n", one.name) : "";
    }
    if (!all.empty()) {
        return fmt::format("Command \"{}\" matches:\n{}", word, all);
    }
    const auto name = extra_command(word);
    for (const auto& one : extras) {
        if (one.name == name) {
            return fmt::format("usage: monasca {}\n\n{}\n", name, one.help);
        }
    }
    return {};
}

std::string overview() {
    auto text = usage_of(nullptr) + "\nCommands:\n";
    for (const auto& one : commands()) {
        put_row(text, one.name, one.help);
    }
    for (const auto& one : extras) {
        put_row(text, one.name, one.help);
    }
    text += "\nOptions, before or behind the command; in brackets the variable that stands in:\n";
    for (const auto& one : global_options()) {
        if (!one.is_hidden) {
            put_row(text, shown(one), help_text(one));
        }
    }
    return text + "\nmonasca help <command> says more.\n";
}

std::string unknown_command(const std::vector<std::string>& words) {
    std::string all;
    for (const auto& word : words) {
        all += all.empty() ? word : ' ' + word;
    }
    auto text = fmt::format("monasca: '{}' is not a monasca command. See 'monasca --help'.\n", all);
    const auto& asked = words.front();
    std::string candidates;
    for (const auto& one : commands()) {
        if ((!asked.empty() && one.name.starts_with(asked)) || distance(asked, one.name) <= 3) {
            candidates += fmt::format("  {}\n", one.name);
        }
    }
    return text + "Did you mean one of these?\n" + (candidates.empty() ? "  help\n" : candidates);
}

std::string manual_page() {
    std::string out = ".TH MONASCA 1 \"\" \"monarc " MONARC_VERSION_STRING "\"\n"
                      ".SH NAME\nmonasca \\- ask OpenStack Monasca and tell it\n"
                      ".SH SYNOPSIS\n.B monasca\n[options] command [arguments and options]\n"
                      ".SH COMMANDS\n";
    for (const auto& one : commands()) {
        out += fmt::format(".SS {}\n{}\n", escaped_for_roff(one.name), escaped_for_roff(one.help));
        for (const auto& part : one.arguments) {
            put_roff_row(out, shown(part), part.help);
        }
    }
    out += ".SH OPTIONS\nBefore or behind the command; in brackets the variable of the "
           "environment that stands in.\n";
    for (const auto& one : global_options()) {
        if (!one.is_hidden) {
            put_roff_row(out, shown(one), help_text(one));
        }
    }
    out += ".SH EXIT STATUS\n";
    put_roff_row(
        out, "0", "success; also a value that is refused before it is sent, without --strict");
    put_roff_row(out, "1", "any failure at run time");
    put_roff_row(out, "2", "a wrong command line");
    put_roff_row(out, "130", "interrupted");
    put_roff_row(out, "141", "nobody reads the output");
    return out;
}

} // namespace monarc::tool
