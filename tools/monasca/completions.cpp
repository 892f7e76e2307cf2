#include "monasca/completions.hpp"

#include "monasca/definition.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

namespace monarc::tool {
namespace {

constexpr std::string_view extras = "help complete bash-completion man-page";

std::string command_names() {
    std::string names;
    for (const auto& one : commands()) {
        names += fmt::format("{} ", one.name);
    }
    return names.append(extras);
}

std::string global_names() {
    std::string names;
    for (const auto& one : global_options()) {
        if (!one.is_hidden) {
            names += fmt::format("{}{}", names.empty() ? "" : " ", one.name);
        }
    }
    return names;
}

std::string option_names(const command_definition& command) {
    std::string names;
    for (const auto& one : command.arguments) {
        if (!one.is_positional()) {
            names += fmt::format("{}{}", names.empty() ? "" : " ", one.name);
        }
    }
    return names;
}

// In single quotes of a shell.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out + "'";
}

// The shells' common part: options by command.
std::string cases_of_commands() {
    std::string text;
    for (const auto& one : commands()) {
        text += fmt::format("        {}) own={} ;;\n", one.name, quoted(option_names(one)));
    }
    return text;
}

} // namespace

std::string bash_completion() {
    return fmt::format(
        R"(_monasca()
{{
    local word="${{COMP_WORDS[COMP_CWORD]}}" commands={} globals={} own='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in
{}        esac
        [ -z "$own" ] || break
    done
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$globals $own" -- "$word"))
    else
        COMPREPLY=($(compgen -W "$commands" -- "$word"))
    fi
}}
complete -o default -F _monasca monasca
)",
        quoted(command_names()),
        quoted(global_names()),
        cases_of_commands());
}

std::string zsh_completion() {
    return fmt::format(
        R"(#compdef monasca
_monasca()
{{
    local commands={} globals={} own='' word
    for word in ${{words[2,CURRENT-1]}}; do
        case "$word" in
{}        esac
        [[ -z $own ]] || break
    done
    if [[ ${{words[CURRENT]}} == -* ]]; then
        compadd -- ${{=globals}} ${{=own}}
    else
        compadd -- ${{=commands}}
        _files
    fi
}}
_monasca "$@"
)",
        quoted(command_names()),
        quoted(global_names()),
        cases_of_commands());
}

std::string fish_completion() {
    auto text = fmt::format("complete -c monasca -n __fish_use_subcommand -a {}\n", quoted(extras));
    for (const auto& one : commands()) {
        text += fmt::format(
            "complete -c monasca -n __fish_use_subcommand -a {} -d {}\n",
            one.name,
            quoted(one.help));
        for (const auto& part : one.arguments) {
            if (!part.is_positional()) {
                text += fmt::format(
                    "complete -c monasca -n '__fish_seen_subcommand_from {}' -l {} -d {}{}\n",
                    one.name,
                    part.name.substr(2),
                    quoted(part.help),
                    part.has_value() ? " -x" : "");
            }
        }
    }
    for (const auto& one : global_options()) {
        if (!one.is_hidden) {
            const auto letter = one.letter != 0 ? fmt::format(" -s {}", one.letter) : std::string();
            text += fmt::format(
                "complete -c monasca{} -l {} -d {}{}\n",
                letter,
                one.name.substr(2),
                quoted(one.help),
                one.has_value() ? " -r" : "");
        }
    }
    return text;
}

std::string all_words() {
    std::set<std::string_view> options;
    for (const auto& command : commands()) {
        for (const auto& one : command.arguments) {
            if (!one.is_positional()) {
                options.insert(one.name);
            }
        }
    }
    auto text = command_names();
    for (const auto option : options) {
        text += fmt::format(" {}", option);
    }
    return text + '\n';
}

} // namespace monarc::tool
