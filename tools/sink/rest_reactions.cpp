#include "sink/rest_reactions.hpp"

#include <algorithm>
#include <charconv>

namespace monarc::sink {
namespace {

std::optional<rest_reaction> read_one(std::string_view word) {
    using kind = rest_reaction::kind;
    if (word == "ok")
        return rest_reaction{};
    if (word == "lost")
        return rest_reaction{.what = kind::lost};
    if (word == "stall")
        return rest_reaction{.what = kind::stall};
    if (word == "partial")
        return rest_reaction{.what = kind::partial};
    int status = 0;
    const auto* const end = word.data() + word.size();
    const auto [at, ec] = std::from_chars(word.data(), end, status);
    if (ec != std::errc() || at != end || word.size() != 3 || status < 200 || status > 599)
        return std::nullopt;
    return rest_reaction{.what = kind::status, .status = status};
}

} // namespace

std::optional<std::vector<rest_reaction>> read_rest_reactions(std::string_view list) {
    std::vector<rest_reaction> all;
    while (true) {
        const auto end = std::min(list.find(','), list.size());
        const auto one = read_one(list.substr(0, end));
        if (!one)
            return std::nullopt;
        all.push_back(*one);
        if (end == list.size())
            return all;
        list.remove_prefix(end + 1);
    }
}

} // namespace monarc::sink
