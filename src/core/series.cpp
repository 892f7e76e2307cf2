#include "core/series.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace monarc {

std::vector<std::string> statistic_suffixes(const series_definition& of) {
    if (of.kind != series_kind::timer) {
        return {""};
    }
    std::vector<std::string> all{".count", ".sum", ".min", ".max"};
    for (const auto percentile : of.percentiles) {
        auto text = fmt::format(".p{}", percentile);
        std::replace(text.begin() + 1, text.end(), '.', '_');
        all.push_back(std::move(text));
    }
    return all;
}

std::size_t statistic_count(const series_definition& of) noexcept {
    return of.kind == series_kind::timer ? 4 + of.percentiles.size() : 1;
}

} // namespace monarc
