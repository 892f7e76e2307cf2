#include "core/monasca_options.hpp"

#include "core/monasca_rules.hpp"
#include "core/series.hpp"

#include <fmt/format.h>

namespace monarc {
namespace {

// A record's derived values travel together: they must fit one request.
constexpr std::size_t max_derived_fields = 64;
constexpr std::size_t max_derived_dimensions = 16;

} // namespace

std::string why_not(const monasca_options& o) {
    if (o.dimensions) {
        const monasca_rules::text_pairs all(o.dimensions->begin(), o.dimensions->end());
        if (const auto why = monasca_rules::why_not_dimensions(all); !why.empty()) {
            return "monasca.dimensions: " + why;
        }
    }
    return {};
}

std::string why_not(const derived_series& rule) {
    const auto& from = rule.from;
    if (from.class_name.empty()) {
        return "derive.from.class must be the name of a class, got an empty text";
    }
    if (from.fields.empty() || from.fields.size() > max_derived_fields) {
        return fmt::format(
            "derive.from.fields of class {} must name 1..{} fields, got {}",
            from.class_name,
            max_derived_fields,
            from.fields.size());
    }
    if (from.dimensions.size() > max_derived_dimensions) {
        return fmt::format(
            "derive.from.dimensions of class {} must name at most {} fields, got {}",
            from.class_name,
            max_derived_dimensions,
            from.dimensions.size());
    }
    series_definition sent;
    sent.kind = rule.to.kind;
    for (const auto& field : from.fields) {
        for (const auto& suffix : statistic_suffixes(sent)) {
            const auto name = rule.to.prefix + (rule.to.prefix.empty() ? "" : ".") +
                              from.class_name + "." + field + suffix;
            if (const auto why = monasca_rules::why_not_name(name); !why.empty()) {
                return fmt::format("derive: the metric's name {} {}", name, why);
            }
        }
    }
    for (const auto& key : from.dimensions) {
        if (const auto why = monasca_rules::why_not_dimension_key(key); !why.empty()) {
            return fmt::format("derive.from.dimensions: {} {}", key, why);
        }
    }
    return {};
}

} // namespace monarc
