#include "sink/monasca_severity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace monarc::sink {
namespace {

constexpr std::array<std::string_view, 4> severities{"LOW", "MEDIUM", "HIGH", "CRITICAL"};

} // namespace

bool is_severity(std::string_view text) noexcept {
    return std::find(severities.begin(), severities.end(), text) != severities.end();
}

int severity_rank(std::string_view text) noexcept {
    const auto at = std::find(severities.begin(), severities.end(), text);
    return static_cast<int>(at - severities.begin());
}

std::vector<std::string> read_severities(const monasca_query& query) {
    const auto text = query.find("severity");
    if (!text)
        return {};
    auto wanted = split(*text, '|');
    for (auto& one : wanted) {
        auto capitals = upper(one);
        if (!is_severity(capitals))
            throw monasca_refusal(
                {422,
                 "Invalid Severity",
                 fmt::format(
                     "Severity b{} must be one of ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL']",
                     python::quoted(one))});
        one = std::move(capitals);
    }
    return wanted;
}

bool has_severity(const std::vector<std::string>& wanted, std::string_view severity) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), severity) != wanted.end();
}

} // namespace monarc::sink
