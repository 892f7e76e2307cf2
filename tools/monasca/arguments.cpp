#include "monasca/arguments.hpp"

#include "core/utf8.hpp"
#include "sink/python_json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace monarc::tool {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

// -120, -12.5, -.5
bool is_negative_number(std::string_view word) noexcept {
    if (!word.starts_with('-') || word.size() < 2) {
        return false;
    }
    word.remove_prefix(1);
    const auto whole = word.substr(0, word.find('.'));
    if (!std::all_of(whole.begin(), whole.end(), is_digit)) {
        return false;
    }
    if (whole.size() == word.size()) {
        return true;
    }
    const auto fraction = word.substr(whole.size() + 1);
    return !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), is_digit);
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\n\r\f\v";
    const auto begin = text.find_first_not_of(blank);
    if (begin == text.npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// Python allows single underscores between digits. Returns: empty if one stands elsewhere.
std::string without_underscores(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
        } else if (
            i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
            return {};
        }
    }
    return out;
}

// What a word that looks like an option means.
struct match {
    const global_definition* global = nullptr;
    const argument_definition* own = nullptr;
    std::string_view value{}; // behind `=`
    bool has_value = false;
    std::string wrong{}; // ambiguous
    bool is_found() const noexcept { return global != nullptr || own != nullptr; }
};

class reader {
public:
    explicit reader(const std::vector<std::string>& words) : words_(words) {}

    arguments read();

private:
    match exact(std::string_view name) const;
    match by_prefix(std::string_view name) const;
    match find(std::string_view word) const;
    bool is_value(const std::string& word) const;
    void read_option(const std::string& word);
    void read_letters(const std::string& word);
    void take(const match& found, std::string_view name);
    void set(const match& found, std::string value);
    void read_word(const std::string& word);
    void finish();
    void fail(std::string why);

    const std::vector<std::string>& words_;
    std::size_t at_ = 0; // of the word that is next
    arguments made_;
    std::vector<std::string> positionals_;
    std::vector<std::string> unknown_;
};

void reader::fail(std::string why) {
    if (made_.wrong.empty()) {
        made_.wrong = std::move(why);
    }
}

match reader::exact(std::string_view name) const {
    for (const auto& one : global_options()) {
        if (one.name == name || (!one.alias.empty() && one.alias == name)) {
            return {.global = &one};
        }
    }
    if (made_.command != nullptr) {
        for (const auto& one : made_.command->arguments) {
            if (!one.is_positional() && (one.name == name || one.alias == name)) {
                return {.own = &one};
            }
        }
    }
    // 1.0.1 had hidden spellings with underscores.
    if (name.find('_') != name.npos) {
        std::string dashed(name);
        std::replace(dashed.begin(), dashed.end(), '_', '-');
        return exact(dashed);
    }
    return {};
}

match reader::by_prefix(std::string_view name) const {
    match found;
    std::vector<std::string_view> names;
    const auto look = [&](const auto& table, auto match::*held, auto&& takes_part) {
        for (const auto& one : table) {
            if (one.name.starts_with(name) && takes_part(one)) {
                found.*held = &one;
                names.push_back(one.name);
            }
        }
        if (names.size() > 1) {
            found.wrong =
                fmt::format("ambiguous option: {} could match {}", name, fmt::join(names, ", "));
        }
        return !names.empty();
    };
    const auto is_new = [](const global_definition& one) { return one.is_of_2x; };
    const auto is_old = [](const global_definition& one) { return !one.is_of_2x; };
    const auto any = [](const argument_definition&) { return true; };
    if (look(global_options(), &match::global, is_new) ||
        (made_.command != nullptr && look(made_.command->arguments, &match::own, any))) {
        return found;
    }
    look(global_options(), &match::global, is_old);
    return found;
}

match reader::find(std::string_view word) const {
    if (auto found = exact(word); found.is_found()) {
        return found;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    auto found = equals == word.npos ? match{} : exact(name);
    if (!found.is_found() && name.size() > 2) {
        found = by_prefix(name);
    }
    if (equals != word.npos) {
        found.has_value = true;
        found.value = word.substr(equals + 1);
    }
    return found;
}

// Whether it may be the value of an option, or stand for itself.
bool reader::is_value(const std::string& word) const {
    if (!word.starts_with('-') || word == "-") {
        return true;
    }
    if (word == "--") {
        return false;
    }
    const bool is_long = word.starts_with("--");
    if (is_long) {
        const auto found = find(word);
        if (found.is_found() || !found.wrong.empty()) {
            return false;
        }
    } else if (std::any_of(global_options().begin(), global_options().end(), [&](const auto& one) {
                   return one.letter != 0 && one.letter == word[1];
               })) {
        return false;
    }
    return is_negative_number(word) || word.find(' ') != word.npos;
}

void reader::set(const match& found, std::string value) {
    if (found.own != nullptr) {
        if (found.own->kind == value_kind::integer && !is_integer(value)) {
            fail(fmt::format("argument {}: invalid int value: '{}'", found.own->name, value));
        }
        double number = 0;
        if (found.own->kind == value_kind::number && !read_number(value, number)) {
            fail(fmt::format("argument {}: invalid float value: '{}'", found.own->name, value));
        }
        const bool is_source = value == "-" || value.starts_with('@');
        if (found.own->kind == value_kind::json && !is_source &&
            !sink::python::document::read(value)) {
            fail(fmt::format("argument {}: not JSON: '{}'", found.own->name, value));
        }
        made_.values.emplace_back(found.own->key, std::move(value));
    } else if (found.global->has_value()) {
        made_.globals.insert_or_assign(found.global->name, std::move(value));
    } else {
        ++made_.flags[found.global->name];
    }
}

void reader::take(const match& found, std::string_view name) {
    if (!found.wrong.empty()) {
        fail(found.wrong);
        return;
    }
    const bool wants_value =
        found.own != nullptr ? found.own->has_value() : found.global->has_value();
    if (!wants_value) {
        if (found.has_value) {
            fail(fmt::format("argument {}: ignored explicit argument '{}'", name, found.value));
        }
        set(found, "True");
    } else if (found.has_value) {
        set(found, std::string(found.value));
    } else if (at_ < words_.size() && is_value(words_[at_])) {
        set(found, words_[at_++]);
    } else {
        fail(fmt::format("argument {}: expected one argument", name));
    }
}

void reader::read_letters(const std::string& word) {
    for (const char letter : word.substr(1)) {
        const auto one = std::find_if(
            global_options().begin(), global_options().end(), [&](const global_definition& g) {
                return g.letter == letter;
            });
        if (one == global_options().end()) {
            unknown_.push_back(word);
            return;
        }
        match found{.global = &*one};
        if (one->has_value()) { // the rest of the word is its value
            const auto rest = word.find(letter) + 1;
            found.has_value = rest < word.size();
            found.value = std::string_view(word).substr(rest);
            take(found, one->name);
            return;
        }
        take(found, one->name);
    }
}

void reader::read_option(const std::string& word) {
    if (!word.starts_with("--")) {
        read_letters(word);
        return;
    }
    const auto found = find(word);
    if (found.is_found() || !found.wrong.empty()) {
        take(found, std::string_view(word).substr(0, word.find('=')));
    } else {
        unknown_.push_back(word);
    }
}

// One that is no option and no value of one.
void reader::read_word(const std::string& word) {
    if (made_.command == nullptr && made_.words.empty() && unknown_.empty()) {
        made_.command = find_command(word);
        if (made_.command != nullptr) {
            return;
        }
    }
    if (made_.command == nullptr) {
        made_.words.insert(made_.words.end(), unknown_.begin(), unknown_.end());
        unknown_.clear();
        made_.words.push_back(word);
    } else {
        positionals_.push_back(word);
    }
}

void reader::finish() {
    if (made_.command == nullptr) {
        made_.words.insert(made_.words.end(), unknown_.begin(), unknown_.end());
        return;
    }
    std::size_t next = 0;
    std::vector<std::string_view> missing;
    for (const auto& one : made_.command->arguments) {
        if (!one.is_positional()) {
            continue;
        }
        if (next < positionals_.size()) {
            set({.own = &one}, positionals_[next++]);
        } else if (!one.is_optional) {
            missing.push_back(one.name);
        }
    }
    if (!missing.empty()) {
        fail(fmt::format("the following arguments are required: {}", fmt::join(missing, ", ")));
    }
    unknown_.insert(
        unknown_.end(),
        positionals_.begin() + static_cast<std::ptrdiff_t>(next),
        positionals_.end());
    if (!unknown_.empty()) {
        const auto hint = made_.command->surplus;
        fail(fmt::format(
            "unrecognized arguments: {}{}{}",
            fmt::join(unknown_, " "),
            hint.empty() ? "" : "; ",
            hint));
    }
}

arguments reader::read() {
    bool has_ended = false; // `--` was there
    while (at_ < words_.size()) {
        const auto& word = words_[at_++];
        if (!is_utf8(word)) {
            fail("an argument is not UTF-8");
        } else if (has_ended || is_value(word)) {
            read_word(word);
        } else if (word == "--") {
            has_ended = true;
        } else {
            read_option(word);
        }
    }
    finish();
    made_.wants_help = made_.has_flag("--help");
    made_.wants_version = made_.has_flag("--version");
    if (made_.has_flag("--verify") && made_.has_flag("--insecure")) {
        fail("argument --insecure: not allowed with argument --verify");
    }
    if (made_.has_flag("--quiet") && made_.has_flag("--verbose")) {
        fail("argument --quiet: not allowed with argument --verbose");
    }
    return std::move(made_);
}

} // namespace

const std::string* arguments::find(std::string_view key) const noexcept {
    const auto found = std::find_if(
        values.rbegin(), values.rend(), [&](const auto& one) { return one.first == key; });
    return found == values.rend() ? nullptr : &found->second;
}

std::vector<std::string> arguments::all(std::string_view key) const {
    std::vector<std::string> found;
    for (const auto& [name, value] : values) {
        if (name == key) {
            found.push_back(value);
        }
    }
    return found;
}

arguments read_arguments(const std::vector<std::string>& words) {
    return reader(words).read();
}

const command_definition* find_command(std::string_view name) noexcept {
    if (name.empty()) {
        return nullptr;
    }
    const command_definition* found = nullptr;
    const command_definition* old = nullptr;
    int count = 0;
    for (const auto& one : commands()) {
        if (one.name == name) {
            return &one;
        }
        if (one.name.starts_with(name)) {
            (one.is_of_2x ? found : old) = &one;
            count += one.is_of_2x ? 1 : 0;
        }
    }
    return count > 1 ? nullptr : count == 1 ? found : old;
}

bool is_integer(std::string_view text) noexcept {
    auto digits = trimmed(text);
    if (digits.starts_with('+') || digits.starts_with('-')) {
        digits.remove_prefix(1);
    }
    const auto plain = without_underscores(digits);
    return !plain.empty() && std::all_of(plain.begin(), plain.end(), is_digit);
}

// Without the blanks, signs, underscores and zeros that JSON does not know.
std::string integer_in_json(std::string_view text) {
    auto digits = trimmed(text);
    const bool is_negative = digits.starts_with('-');
    if (is_negative || digits.starts_with('+')) {
        digits.remove_prefix(1);
    }
    const auto plain = without_underscores(digits);
    const auto begin = std::min(plain.find_first_not_of('0'), plain.size() - 1);
    const auto number = plain.substr(begin);
    return is_negative && number != "0" ? '-' + number : number;
}

bool read_number(std::string_view text, double& value) {
    auto digits = trimmed(text);
    if (digits.starts_with('+')) {
        digits.remove_prefix(1);
        if (digits.starts_with('-')) {
            return false;
        }
    }
    const auto plain = without_underscores(digits);
    if (plain.empty()) {
        return false;
    }
    const auto got = std::from_chars(plain.data(), plain.data() + plain.size(), value);
    if (got.ptr != plain.data() + plain.size()) {
        return false;
    }
    if (got.ec == std::errc::result_out_of_range) {
        value = std::strtod(plain.c_str(), nullptr); // too small is 0, too large infinite
    }
    return (got.ec == std::errc() || got.ec == std::errc::result_out_of_range) &&
           std::isfinite(value);
}

} // namespace monarc::tool
