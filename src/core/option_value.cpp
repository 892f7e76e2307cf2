#include "core/option_value.hpp"

#include "core/text_file.hpp"

#include <string.h>

#include <array>
#include <cmath>
#include <cstdlib>

namespace monarc {
namespace {

using namespace std::string_view_literals;

struct unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr unit sizes[] = {
    {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"", 1}};
constexpr unit durations[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000}};

// A number with its unit, in the smallest unit; nothing if it is neither or too large.
std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const unit> units) {
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc()) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    for (const auto& [name, factor] : units) {
        if (text == name) {
            constexpr auto most = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
            return number <= most / factor ? std::optional(number * factor) : std::nullopt;
        }
    }
    return std::nullopt;
}

// Calls take_pair(key, value) for each `k=v`. Returns: whether the text is such a list.
template <class TakePair>
bool split_pairs(std::string_view text, TakePair take_pair) {
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const auto pair = text.substr(0, end);
        const auto equals = pair.find('=');
        if (equals == 0 || equals == pair.npos || end + 1 == text.size() ||
            !take_pair(pair.substr(0, equals), pair.substr(equals + 1))) {
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

// A map of names to values: a table of a file, or `k=v,k=v` of a variable.
template <class Value>
std::string take_map(
    const raw_value& from,
    const reading& how,
    std::string_view in_file,
    std::string_view in_variable,
    std::map<std::string, Value>& to) {
    std::map<std::string, Value> taken;
    const auto add = [&](std::string_view key, const raw_value& value) {
        return take(value, how, taken[std::string(key)]);
    };
    if (how.is_variable) {
        const bool is_list = split_pairs(
            std::get<std::string>(from.is), [&](std::string_view key, std::string_view value) {
                return !taken.contains(std::string(key)) &&
                       add(key, raw_value{std::string(value)}).empty();
            });
        if (!is_list) {
            return misfit(in_variable, from, how);
        }
    } else {
        const auto* const table = std::get_if<std::vector<raw_member>>(&from.is);
        if (table == nullptr) {
            return misfit(in_file, from, how);
        }
        for (const auto& [key, value, line] : *table) {
            if (auto wrong = add(key, value); !wrong.empty()) {
                return fmt::format("must be {}: {} {}", in_file, quoted(key), wrong);
            }
        }
    }
    to = std::move(taken);
    return {};
}

// The members of one entry of [[derive]].
class entry_reader {
public:
    entry_reader(const reading& how, std::string where) : how_(how), where_(std::move(where)) {}

    const std::vector<raw_member>* table(const raw_value& from) {
        const auto* const members = std::get_if<std::vector<raw_member>>(&from.is);
        if (members == nullptr) {
            say(misfit("a table", from, how_));
        }
        return members;
    }
    template <class Value>
    void text(const raw_value& from, Value& to) {
        say(take(from, how_, to));
    }
    void texts(const raw_value& from, std::vector<std::string>& to) {
        const auto* const list = std::get_if<std::vector<raw_value>>(&from.is);
        if (list == nullptr) {
            say(misfit("a list of texts", from, how_));
            return;
        }
        for (const auto& element : *list) {
            say(take(element, how_, to.emplace_back()));
        }
    }
    void unknown(std::string_view key, std::string_view known) {
        say(fmt::format("has no {}; it has {}", quoted(key), known));
    }
    void say(const std::string& wrong) {
        if (wrong_.empty() && !wrong.empty()) {
            wrong_ = fmt::format("{}: {} {}", where_, member, wrong);
        }
    }
    std::string take_wrong() { return std::move(wrong_); }

    std::string member = "an entry";

private:
    const reading& how_;
    std::string where_;
    std::string wrong_;
};

void take_source(const raw_value& from, entry_reader& entry, derived_series::source& to) {
    const auto* const members = entry.table(from);
    if (members == nullptr) {
        return;
    }
    for (const auto& [key, value, line] : *members) {
        entry.member = "from." + key;
        if (key == "class") {
            entry.text(value, to.class_name);
        } else if (key == "fields") {
            entry.texts(value, to.fields);
        } else if (key == "dimensions") {
            entry.texts(value, to.dimensions);
        } else {
            entry.member = "from";
            entry.unknown(key, "class, fields, dimensions");
        }
    }
}

void take_target(const raw_value& from, entry_reader& entry, derived_series::target& to) {
    const auto* const members = entry.table(from);
    if (members == nullptr) {
        return;
    }
    for (const auto& [key, value, line] : *members) {
        entry.member = "to." + key;
        if (key == "prefix") {
            entry.text(value, to.prefix);
        } else if (key == "kind") {
            entry.text(value, to.kind);
        } else {
            entry.member = "to";
            entry.unknown(key, "prefix, kind");
        }
    }
}

std::string secret_from_file(const std::string& path, const reading& how, secret& to) {
    constexpr std::size_t most_bytes = 64 * 1024;
    auto file = read_text_file(path, most_bytes);
    if (!file.wrong.empty()) {
        return fmt::format("names a file that cannot be used: {}", file.wrong);
    }
    if (file.is_writable_by_others) {
        return fmt::format(
            "names {}, which others may write: anybody could put another secret there; "
            "chmod o-rwx it",
            quoted(path));
    }
    if (file.is_readable_by_others) {
        how.warnings.push_back(
            fmt::format("names {}, which others may read; chmod o-r it", quoted(path)));
    }
    auto text = std::string_view(file.text);
    if (text.ends_with('\n')) {
        text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
    }
    to = secret(text);
    ::explicit_bzero(file.text.data(), file.text.size());
    return {};
}

} // namespace

std::string quoted(std::string_view text) {
    constexpr std::size_t most_bytes = 64;
    std::string out = "\"";
    for (const auto c : text.substr(0, most_bytes)) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + (text.size() > most_bytes ? "…\"" : "\"");
}

std::string shown(const raw_value& value) {
    struct {
        std::string operator()(std::monostate) { return "a date or a time"; }
        std::string operator()(bool is_true) { return is_true ? "true" : "false"; }
        std::string operator()(std::int64_t number) { return fmt::format("{}", number); }
        std::string operator()(double number) { return fmt::format("{}", number); }
        std::string operator()(const std::string& text) { return quoted(text); }
        std::string operator()(const std::vector<raw_value>&) { return "a list"; }
        std::string operator()(const std::vector<raw_member>&) { return "a table"; }
    } show;
    return std::visit(show, value.is);
}

std::string shown(const std::string& text) {
    if (text.empty()) {
        return "an empty text";
    }
    if (text.find("://") != text.npos && text.find('@') != text.npos) {
        return "an address with user information, which is not shown";
    }
    return text.size() > 64 ? fmt::format("{} bytes", text.size()) : quoted(text);
}
std::string shown(const secret& text) {
    return fmt::format("{} bytes that are not shown", text.reveal().size());
}

std::string shown(const std::map<std::string, double>& numbers) {
    std::string text;
    for (const auto& [name, number] : numbers) {
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", quoted(name), number);
    }
    return text;
}

std::string misfit(std::string_view wanted, const raw_value& value, const reading& how) {
    return fmt::format(
        "must be {}{}{}, got {}",
        wanted,
        how.allowed.empty() ? "" : ", ",
        how.allowed,
        shown(value));
}

std::string take(const raw_value& from, const reading& how, bool& to) {
    if (const auto* const value = std::get_if<bool>(&from.is)) {
        to = *value;
        return {};
    }
    if (how.is_variable) {
        const auto& text = std::get<std::string>(from.is);
        to = text == "true";
        if (to || text == "false") {
            return {};
        }
    }
    return misfit("true or false", from, how);
}

std::optional<std::int64_t> whole_number(const raw_value& from, const reading& how) {
    if (const auto* const value = std::get_if<std::int64_t>(&from.is)) {
        return *value;
    }
    const auto* const text = std::get_if<std::string>(&from.is);
    if (!how.is_variable || text == nullptr) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

std::string take(const raw_value& from, const reading& how, double& to) {
    if (const auto* const value = std::get_if<double>(&from.is)) {
        to = *value;
        return {};
    }
    if (const auto number = whole_number(from, how)) {
        to = static_cast<double>(*number);
        return {};
    }
    if (how.is_variable) {
        const auto& text = std::get<std::string>(from.is);
        const auto* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, to);
        if (read.ec == std::errc() && read.ptr == end) {
            return {};
        }
    }
    return misfit("a number", from, how);
}

std::string take(const raw_value& from, const reading& how, std::string& to) {
    const auto* const text = std::get_if<std::string>(&from.is);
    if (text == nullptr) {
        return misfit("a text", from, how);
    }
    to = *text;
    return {};
}

// D-11.9: a reference, or the text itself; a variable is as good a place as a reference names.
std::string take(const raw_value& from, const reading& how, secret& to) {
    const auto* const text = std::get_if<std::string>(&from.is);
    if (text == nullptr) {
        return R"(must be "env:NAME", "file:/path" or a text; what it got is not shown)";
    }
    if (text->starts_with("env:")) {
        const auto name = text->substr(4);
        if (std::getenv(name.c_str()) == nullptr) {
            return fmt::format("names the variable {}, which is not set", quoted(name));
        }
        to = secret::from_env(name.c_str());
        return {};
    }
    if (text->starts_with("file:")) {
        return secret_from_file(text->substr(5), how, to);
    }
    if (!how.is_variable && !text->empty()) {
        how.warnings.emplace_back(R"(is a secret in plain text; write "env:NAME" or "file:/path")");
    }
    to = secret(*text);
    return {};
}

std::string take(const raw_value& from, const reading& how, std::chrono::milliseconds& to) {
    const auto* const text = std::get_if<std::string>(&from.is);
    const auto nanoseconds = text != nullptr ? with_unit(*text, durations) : std::nullopt;
    if (!nanoseconds) {
        return misfit(R"(a duration such as "200ms" (ns, us, ms, s, min, h))", from, how);
    }
    if (*nanoseconds % 1'000'000 != 0) {
        return misfit("whole milliseconds", from, how);
    }
    to = std::chrono::milliseconds(*nanoseconds / 1'000'000);
    return {};
}

std::string take_size(const raw_value& from, const reading& how, std::uint64_t& to) {
    const auto number = whole_number(from, how);
    const auto* const text = std::get_if<std::string>(&from.is);
    if (number && *number >= 0) {
        to = static_cast<std::uint64_t>(*number);
        return {};
    }
    const auto bytes = text != nullptr ? with_unit(*text, sizes) : std::nullopt;
    if (!bytes) {
        return misfit(R"(a size such as "64MiB" (B, KiB, MiB, GiB))", from, how);
    }
    to = *bytes;
    return {};
}

std::string
take(const raw_value& from, const reading& how, std::map<std::string, std::string>& to) {
    return take_map(from, how, "a table of texts", "a list name=text,name=text", to);
}
std::string take(const raw_value& from, const reading& how, std::map<std::string, double>& to) {
    return take_map(from, how, "a table of numbers", "a list name=number,name=number", to);
}

std::string take(const raw_value& from, const reading& how, std::vector<derived_series>& to) {
    if (how.is_variable) {
        return "has no variable; it is set in a file or in code";
    }
    const auto* const list = std::get_if<std::vector<raw_value>>(&from.is);
    if (list == nullptr) {
        return misfit("[[derive]] tables", from, how);
    }
    std::vector<derived_series> taken;
    for (const auto& element : *list) {
        entry_reader entry(how, fmt::format("entry {}", taken.size() + 1));
        auto& series = taken.emplace_back();
        if (const auto* const members = entry.table(element)) {
            for (const auto& [key, value, line] : *members) {
                entry.member = key;
                if (key == "from") {
                    take_source(value, entry, series.from);
                } else if (key == "to") {
                    take_target(value, entry, series.to);
                } else {
                    entry.member = "it";
                    entry.unknown(key, "from, to");
                }
            }
        }
        if (auto wrong = entry.take_wrong(); !wrong.empty()) {
            return wrong;
        }
    }
    to = std::move(taken);
    return {};
}

namespace {

template <class Enum, std::size_t Count>
using word_list = std::array<std::pair<std::string_view, Enum>, Count>;

} // namespace

words<forward_mode> words_of(forward_mode) {
    using enum forward_mode;
    static constexpr word_list<forward_mode, 3> list{
        {{"packed", packed}, {"forward", forward}, {"message", message}}};
    return list;
}
words<merge_mode> words_of(merge_mode) {
    using enum merge_mode;
    static constexpr word_list<merge_mode, 3> list{
        {{"off", off}, {"disjoint", disjoint}, {"overwrite", overwrite}}};
    return list;
}
words<uncertain_mode> words_of(uncertain_mode) {
    using enum uncertain_mode;
    static constexpr word_list<uncertain_mode, 2> list{{{"resend", resend}, {"dead", dead}}};
    return list;
}
words<reserved_key_mode> words_of(reserved_key_mode) {
    using enum reserved_key_mode;
    static constexpr word_list<reserved_key_mode, 2> list{{{"strip", strip}, {"rename", rename}}};
    return list;
}
words<mona_auth_mode> words_of(mona_auth_mode) {
    using enum mona_auth_mode;
    static constexpr word_list<mona_auth_mode, 4> list{
        {{"mona", mona}, {"oidc", oidc}, {"token", token}, {"none", none}}};
    return list;
}
words<action> words_of(action) {
    using enum action;
    static constexpr word_list<action, 3> list{
        {{"overwrite", overwrite}, {"add", add}, {"fresh", fresh}}};
    return list;
}
words<compression_mode> words_of(compression_mode) {
    using enum compression_mode;
    static constexpr word_list<compression_mode, 3> list{
        {{"auto", automatic}, {"gzip", gzip}, {"none", none}}};
    return list;
}
words<catalogue_mode> words_of(catalogue_mode) {
    using enum catalogue_mode;
    static constexpr word_list<catalogue_mode, 2> list{{{"check", check}, {"trust", trust}}};
    return list;
}
words<fork_policy> words_of(fork_policy) {
    using enum fork_policy;
    static constexpr word_list<fork_policy, 2> list{{{"inert", inert}, {"restart", restart}}};
    return list;
}
words<clock_source> words_of(clock_source) {
    using enum clock_source;
    static constexpr word_list<clock_source, 3> list{
        {{"best", best}, {"tsc", tsc}, {"system", system}}};
    return list;
}
words<series_kind> words_of(series_kind) {
    using enum series_kind;
    static constexpr word_list<series_kind, 4> list{
        {{"gauge", gauge}, {"counter", counter}, {"timer", timer}, {"every", every}}};
    return list;
}

} // namespace monarc
