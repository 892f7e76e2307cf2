#include "monarc/own_arguments.hpp"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace monarc::tool {
namespace {

// Where a secret may stand in plain text; others refuse one.
constexpr std::array<std::string_view, 4> secret_flags{
    "--keystone-user", "--monasca-token", "--rest-secret", "--rest-token"};

} // namespace

std::vector<std::string> take_arguments(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
    std::string_view flag; // whose value the next word is
    for (int i = 1; i < argc; ++i) {
        const std::string_view word(argv[i]);
        const auto equals = word.find('=');
        const auto name = flag.empty() ? word.substr(0, equals) : flag;
        const bool is_secret =
            std::find(secret_flags.begin(), secret_flags.end(), name) != secret_flags.end();
        if (is_secret && flag.empty() && equals == word.npos) {
            flag = *std::find(secret_flags.begin(), secret_flags.end(), name);
            continue;
        }
        if (is_secret) {
            char* const value = flag.empty() ? argv[i] + equals + 1 : argv[i];
            fmt::print(
                stderr,
                "monarc: {}: a secret on a command line can be read by others while monarc "
                "starts\n",
                name);
            ::memset(value, '*', ::strlen(value));
        }
        flag = {};
    }
    std::reverse(words.begin(), words.end());
    return words;
}

} // namespace monarc::tool
