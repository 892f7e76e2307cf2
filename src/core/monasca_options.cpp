#include "core/monasca_options.hpp"

#include "core/monasca_rules.hpp"
#include "core/series.hpp"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

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

namespace {

// What is sent for a field: one metric, or one for each statistic.
std::vector<std::string> metric_names(const derived_series& rule, const std::string& field) {
    series_definition sent;
    sent.kind = rule.to.kind;
    std::vector<std::string> names;
    for (const auto& suffix : statistic_suffixes(sent)) {
        names.push_back(
            rule.to.prefix + (rule.to.prefix.empty() ? "" : ".") + rule.from.class_name + "." +
            field + suffix);
    }
    return names;
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
    for (const auto& field : from.fields) {
        for (const auto& name : metric_names(rule, field)) {
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

} // namespace

std::string why_not(const std::vector<derived_series>& rules) {
    std::set<std::string> names;
    for (const auto& rule : rules) {
        if (auto wrong = why_not(rule); !wrong.empty()) {
            return wrong;
        }
        for (const auto& field : rule.from.fields) {
            for (const auto& name : metric_names(rule, field)) {
                if (!names.insert(name).second) {
                    return fmt::format(
                        "derive: the metric {} is made twice, and one would overwrite the other; "
                        "give one of them another to.prefix",
                        name);
                }
            }
        }
    }
    return {};
}

} // namespace monarc
