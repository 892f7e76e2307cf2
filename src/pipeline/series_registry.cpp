#include "pipeline/series_registry.hpp"

#include "aggregate/deriver.hpp"
#include "core/utf8.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace monarc::pipeline {
namespace {

constexpr std::size_t max_percentiles = 16;

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
    throw std::system_error(errc::bad_series, fmt::format("series {}: {}", name, why));
}

double nanoseconds_of(time_unit unit) noexcept {
    switch (unit) {
    case time_unit::nanoseconds: return 1.0;
    case time_unit::microseconds: return 1e3;
    case time_unit::milliseconds: return 1e6;
    case time_unit::seconds: return 1e9;
    }
    return 1e6;
}

std::shared_ptr<series_definition> define(
    std::string_view name,
    const dimensions& own,
    const series_options& options,
    const monasca_rules::text_pairs& added) {
    auto made = std::make_shared<series_definition>();
    made->names.emplace_back(name);
    made->kind = options.kind;
    made->nanoseconds_per_unit = nanoseconds_of(options.unit);
    made->percentiles = options.percentiles;
    for (const auto percentile : made->percentiles) { // before they are sorted: one may be NaN
        if (!(percentile > 0.0 && percentile < 100.0)) {
            refuse(name, fmt::format("percentiles lie between 0 and 100, got {}", percentile));
        }
    }
    std::sort(made->percentiles.begin(), made->percentiles.end());
    made->percentiles.erase(
        std::unique(made->percentiles.begin(), made->percentiles.end()), made->percentiles.end());
    if (!made->percentiles.empty() && options.kind != series_kind::timer) {
        refuse(name, "percentiles need kind = series_kind::timer");
    }
    if (made->percentiles.size() > max_percentiles) {
        refuse(
            name,
            fmt::format(
                "at most {} percentiles, got {}", max_percentiles, made->percentiles.size()));
    }
    for (const auto& suffix : statistic_suffixes(*made)) {
        if (const auto why = monasca_rules::why_not_name(std::string(name) + suffix);
            !why.empty()) {
            refuse(
                name, fmt::format("the name{}{} {}", suffix.empty() ? "" : " with ", suffix, why));
        }
    }
    made->dimensions.assign(own.all().begin(), own.all().end());
    aggregate::add_dimensions(made->dimensions, added);
    if (const auto why = monasca_rules::why_not_dimensions(made->dimensions); !why.empty()) {
        refuse(name, why);
    }
    return made;
}

} // namespace

std::shared_ptr<series_definition>
series_registry::open(std::string_view name, const dimensions& own, const series_options& options) {
    auto fresh = define(name, own, options, added_);
    std::string key(name);
    for (const auto& [dimension, value] : fresh->dimensions) {
        key += '\0';
        key += dimension;
        key += '\0';
        key += value;
    }
    const std::lock_guard guard(lock_);
    auto& place = open_[key];
    if (auto known = place.lock()) {
        if (known->kind != fresh->kind || known->percentiles != fresh->percentiles ||
            known->nanoseconds_per_unit != fresh->nanoseconds_per_unit) {
            refuse(name, "it is open with another kind, other percentiles or another unit");
        }
        return known;
    }
    place = fresh;
    if (open_.size() >= look_at_) {
        std::erase_if(open_, [](const auto& one) { return one.second.expired(); });
        look_at_ = std::max<std::size_t>(64, open_.size() * 2);
    }
    return fresh;
}

monasca_rules::text_pairs added_dimensions(const monasca_options& options) {
    if (options.dimensions) {
        return {options.dimensions->begin(), options.dimensions->end()};
    }
    std::array<char, HOST_NAME_MAX + 1> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
        return {};
    }
    std::string host;
    append_utf8(name.data(), host);
    monasca_rules::repair_dimension_value(host);
    return {{"hostname", std::move(host)}};
}

} // namespace monarc::pipeline
