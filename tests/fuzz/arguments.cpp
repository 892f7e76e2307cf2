// A command line of `monasca`, one word a line: read, hidden from the list of processes, and turned
// into what a client needs.

#include "monasca/arguments.hpp"

#include "fuzz/fuzz_target.hpp"
#include "monasca/credentials.hpp"
#include "monasca/key_values.hpp"
#include "monasca/terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace monarc::fuzz {
namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// As main() has them; their bytes are changed, their lengths are not.
void hide(std::vector<std::string> words) {
    std::string name = "monasca";
    std::vector<char*> pointers{name.data()};
    std::vector<std::size_t> lengths;
    for (auto& word : words) {
        pointers.push_back(word.data());
        lengths.push_back(std::char_traits<char>::length(word.data()));
    }
    tool::hide_secrets(static_cast<int>(pointers.size()), pointers.data());
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        require(std::char_traits<char>::length(words[i].data()) == lengths[i]);
    }
}

void check_command(const tool::arguments& given) {
    const auto& known = given.command->arguments;
    for (const auto& pair : given.values) {
        require(std::any_of(known.begin(), known.end(), [&](const tool::argument_definition& one) {
            return one.key == pair.first;
        }));
    }
    if (!given.wrong.empty() || given.wants_help) {
        return;
    }
    for (const auto& one : known) {
        const auto* const value = given.find(one.key);
        require(value != nullptr || !one.is_positional() || one.is_optional);
        if (value == nullptr) {
            continue;
        }
        double number = 0;
        require(one.kind != tool::value_kind::integer || tool::is_integer(*value));
        require(one.kind != tool::value_kind::number || tool::read_number(*value, number));
        try {
            const auto pairs = tool::read_pairs(given.all(one.key), tool::bare_keys::are_keys);
            static_cast<void>(tool::pairs_in_query(pairs));
            static_cast<void>(tool::pairs_in_body(pairs));
            static_cast<void>(tool::start_time_of(*value, 1'795'293'815));
        } catch (const tool::failure& why) {
            require(!why.text.empty());
        }
    }
}

} // namespace

void read(std::string_view input) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= input.size() && words.size() < 64;) {
        const auto end = std::min(input.find('\n', at), input.size());
        words.emplace_back(input.substr(at, end - at));
        at = end + 1;
    }
    hide(words);
    const auto given = tool::read_arguments(words);
    if (given.command != nullptr) {
        check_command(given);
    }
    const tool::surroundings nothing{
        .variable = [](const char*) -> const char* { return nullptr; },
        .clouds = [] { return tool::clouds_file(); },
        .ask_password = [] { return std::optional<secret>(); }};
    try {
        const auto options = tool::settings(given, nothing).client_options();
        require(options.timeout.count() > 0 && options.login_timeout.count() > 0);
    } catch (const tool::failure& why) {
        require(!why.text.empty() && (why.code == 1 || why.code == 2));
    }
}

} // namespace monarc::fuzz
