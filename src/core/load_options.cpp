#include "core/log.hpp"
#include "core/option_table.hpp"
#include "core/options.hpp"
#include "core/text_file.hpp"
#include "core/toml_text.hpp"

#include <monarc/error.hpp>

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <system_error>

namespace monarc {
namespace {

constexpr std::size_t most_file_bytes = std::size_t{1} << 20;
constexpr std::string_view variable_prefix = "MONARC_";
constexpr std::string_view config_variable = "MONARC_CONFIG";

[[noreturn]] void refuse(const std::string& text) {
    throw std::system_error(errc::bad_options, text);
}

// `batch.max_delay` is the variable MONARC_BATCH__MAX_DELAY.
std::string variable_of(std::string_view option) {
    std::string name(variable_prefix);
    for (const auto c : option) {
        if (c == '.') {
            name += "__";
        } else {
            name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        }
    }
    return name;
}

// --- the nearest name

// Insertions, deletions and replacements that make one of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto above = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, above + 1, diagonal + (a[i] == b[j] ? 0u : 1u)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('.') + 1); // of all if there is no dot
}

// A name that was put into the wrong group is as near as a slip of one letter.
std::string_view nearest_option(std::string_view wrong) {
    constexpr std::size_t most_bytes = 48; // no option has as many, and the time grows with it
    wrong = wrong.substr(0, most_bytes);
    std::string_view best;
    auto least = std::numeric_limits<std::size_t>::max();
    const auto difference = [](std::size_t a, std::size_t b) { return a < b ? b - a : a - b; };
    for (const auto& option : option_table()) {
        // What differs so much in length is no nearer.
        if (std::min(
                difference(wrong.size(), option.name.size()),
                difference(last_part(wrong).size(), last_part(option.name).size()) + 1) >= least) {
            continue;
        }
        const auto far = std::min(
            distance(wrong, option.name), distance(last_part(wrong), last_part(option.name)) + 1);
        if (far < least) {
            least = far;
            best = option.name;
        }
    }
    return best;
}

// --- what was said, and where

struct setting {
    raw_value value;
    std::string where; // `file:line` or the variable
    bool is_variable = false;
};

class settings {
public:
    void read_file(const std::string& path) {
        auto file = read_text_file(path, most_file_bytes);
        if (!file.wrong.empty()) {
            refuse(fmt::format("cannot read {}", file.wrong));
        }
        const auto toml = parse_toml(file.text);
        ::explicit_bzero(file.text.data(), file.text.size()); // it may hold secrets
        if (!toml.wrong.empty()) {
            refuse(fmt::format("{}:{}: {}", path, toml.line, toml.wrong));
        }
        for (const auto& member : toml.members) {
            add(path, "", member);
        }
    }

    void read_environment() {
        for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
            const std::string_view text = *entry;
            const auto equals = text.find('=');
            const auto name = text.substr(0, equals);
            if (equals == text.npos || !name.starts_with(variable_prefix) ||
                name == config_variable) {
                continue;
            }
            const auto option = option_of(name);
            said_.insert_or_assign(
                std::string(option),
                setting{
                    {std::string(text.substr(equals + 1))},
                    std::string(name),
                    /*is_variable=*/true});
        }
    }

    const setting* find(std::string_view path) const {
        const auto found = said_.find(path);
        return found != said_.end() ? &found->second : nullptr;
    }

    // Whether anything of the group was said: the place, else null.
    const setting* find_group(std::string_view group) const {
        const auto found = said_.lower_bound(group);
        const bool is_of_group =
            found != said_.end() &&
            (found->first == group || found->first.starts_with(std::string(group) + '.'));
        return is_of_group ? &found->second : nullptr;
    }

private:
    static bool is_option(std::string_view path) {
        return std::ranges::find(option_table(), path, &option::name) != option_table().end();
    }
    static bool is_group(std::string_view path) {
        return std::ranges::any_of(option_table(), [&](const option& o) {
            return o.name.size() > path.size() && o.name.starts_with(path) &&
                   o.name[path.size()] == '.';
        });
    }
    static std::string_view option_of(std::string_view variable) {
        for (const auto& option : option_table()) {
            if (variable_of(option.name) == variable) {
                return option.name;
            }
        }
        std::string path;
        for (const auto c : variable.substr(variable_prefix.size())) {
            path += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            if (path.ends_with("__")) {
                path.replace(path.size() - 2, 2, ".");
            }
        }
        refuse(fmt::format(
            "{} is not the variable of an option; did you mean {}?",
            quoted(variable),
            variable_of(nearest_option(path))));
    }

    void add(const std::string& file, const std::string& group, const raw_member& member) {
        const auto path = group.empty() ? member.key : group + '.' + member.key;
        const auto where = fmt::format("{}:{}", file, member.line);
        if (is_option(path)) {
            said_.insert_or_assign(path, setting{member.value, where});
            return;
        }
        if (!is_group(path)) {
            const bool is_bare = quoted(path) == '"' + path + '"';
            refuse(fmt::format(
                "{}: {} is not an option; did you mean {}?",
                where,
                is_bare ? path : quoted(path),
                nearest_option(path)));
        }
        const auto* const members = std::get_if<std::vector<raw_member>>(&member.value.is);
        if (members == nullptr) {
            refuse(fmt::format(
                "{}: {} must be a table of options, got {}", where, path, shown(member.value)));
        }
        said_.insert_or_assign(path, setting{{}, where}); // the table may be empty
        for (const auto& inner : *members) {
            add(file, path, inner);
        }
    }

    std::map<std::string, setting, std::less<>> said_; // by path
};

// --- what it comes to

// Returns: warnings.
std::vector<std::string>
take_setting(const option& option, const setting& found, exporter_options& options) {
    std::vector<std::string> warnings;
    const reading how{.is_variable = found.is_variable, .allowed = {}, .warnings = warnings};
    if (const auto wrong = option.take(found.value, how, options); !wrong.empty()) {
        refuse(fmt::format("{}: {} {}", found.where, option.name, wrong));
    }
    for (auto& warning : warnings) {
        warning = fmt::format("{}: {} {}", found.where, option.name, warning);
    }
    return warnings;
}

void apply(const settings& said, exporter_options& options, logger& log) {
    if (const auto* const mona = said.find_group("mona");
        mona != nullptr && said.find("mona.kind") == nullptr) {
        refuse(fmt::format("{}: mona.kind must be one of forward, rest, got none", mona->where));
    }
    if (said.find_group("monasca") != nullptr) {
        options.monasca.emplace();
    }
    for (const auto& option : option_table()) {
        const auto* const found = said.find(option.name);
        if (found != nullptr && option.is_there(options)) {
            for (const auto& warning : take_setting(option, *found, options)) {
                log(log_level::warning, warning);
            }
        }
    }
}

// An option of Mona that the chosen kind does not have. At its default it changes nothing, so that
// one file may list them all.
void refuse_other_kind(const settings& said, const exporter_options& options) {
    const bool is_forward = std::holds_alternative<mona_forward_options>(options.mona);
    exporter_options other;
    if (is_forward) {
        other.mona.emplace<mona_rest_options>();
    } else {
        other.mona.emplace<mona_forward_options>();
    }
    for (const auto& option : option_table()) {
        const auto* const found = said.find(option.name);
        const bool is_there = std::ranges::any_of(option_table(), [&](const auto& o) {
            return o.name == option.name && o.is_there(options);
        });
        if (found == nullptr || is_there) {
            continue;
        }
        auto changed = other;
        take_setting(option, *found, changed);
        if (!option.is_equal(changed, other)) {
            refuse(fmt::format(
                "{}: {} belongs to mona.kind = {}, got {}",
                found->where,
                option.name,
                is_forward ? "rest" : "forward",
                is_forward ? "forward" : "rest"));
        }
    }
}

// The text of a range begins with its option: the place where that, or what it is part of, was set
// stands before it.
void refuse_out_of_range(const settings& said, const exporter_options& options) {
    const auto wrong = out_of_range(options);
    if (wrong.empty()) {
        return;
    }
    auto path = wrong.substr(0, wrong.find_first_not_of("abcdefghijklmnopqrstuvwxyz_."));
    while (said.find(path) == nullptr && path.find('.') != path.npos) {
        path.resize(path.rfind('.'));
    }
    const auto* const found = said.find(path);
    refuse(found != nullptr ? fmt::format("{}: {}", found->where, wrong) : wrong);
}

} // namespace

exporter_options load_options(const option_sources& from) {
    logger log(from.log);
    settings said;
    auto file = from.file;
    if (file.empty() && from.environment) {
        const auto* const named = std::getenv(config_variable.data());
        file = named != nullptr ? named : "";
    }
    if (!file.empty()) {
        said.read_file(file);
    }
    if (from.environment) {
        said.read_environment();
    }
    exporter_options options;
    apply(said, options, log);
    refuse_other_kind(said, options);
    refuse_out_of_range(said, options);
    options.log = from.log;
    return options;
}

} // namespace monarc
