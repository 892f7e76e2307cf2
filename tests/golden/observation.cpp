#include "golden/observation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace monarc::golden {

int level_of(std::string_view name) {
    constexpr std::array<std::string_view, 5> names{
        "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
    const auto at = std::find(names.begin(), names.end(), name) - names.begin();
    return 10 * (1 + static_cast<int>(at));
}

std::string shown(const said_line& line) {
    return fmt::format("{} {} {}", line.level, line.code, line.field);
}

std::string abridged(std::string_view text) {
    constexpr std::size_t enough = 300;
    return text.size() <= enough ? std::string(text) : std::string(text.substr(0, enough)) + "…";
}

} // namespace monarc::golden
