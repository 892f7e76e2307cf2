#include "sink/monasca_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace monarc::sink {
namespace {

using python::kind;
using why = std::optional<std::string>;

constexpr std::size_t max_characters = 255;
constexpr std::size_t max_meta_entries = 16;
constexpr std::size_t max_meta_characters = 2048;
constexpr std::string_view never_in_dimensions = "<>={},\"\\;&";
constexpr std::string_view never_in_names = "<>={},\"\\;&() ";

bool has_any_of(std::string_view text, std::string_view characters) noexcept {
    return text.find_first_of(characters) != std::string_view::npos;
}

bool is_length_good(std::string_view text) noexcept {
    return !text.empty() && python::count_code_points(text) <= max_characters;
}

bool is_number(const python::value& v) noexcept {
    return v.kind == kind::boolean || v.kind == kind::integer || v.kind == kind::number;
}

// What Python says where something of another kind is asked for its items().
why why_no_items(const python::value& v) {
    if (v.kind == kind::object)
        return std::nullopt;
    return fmt::format("'{}' object has no attribute 'items'", python::type_name(v.kind));
}

why why_not_value(const python::value& v) {
    if (!is_number(v))
        return fmt::format(
            "invalid value type: {} is not a number type for metric", python::to_text(v));
    const double number = python::to_double(v);
    if (v.kind == kind::integer && std::isinf(number))
        return "int too large to convert to float";
    if (!std::isfinite(number))
        return fmt::format(
            "invalid value: {} is not a valid value for metric",
            std::isnan(number) ? "nan"
            : number > 0       ? "inf"
                               : "-inf");
    return std::nullopt;
}

why why_not_dimensions(const python::value& v) {
    if (auto no = why_no_items(v))
        return no;
    for (const auto& [key, held] : v.members) {
        if (auto no = why_not_dimension_key(key))
            return no;
        if (held.kind != kind::text)
            return fmt::format(
                "invalid dimension value type: {} must be a string (from key {})",
                python::to_text(held),
                key);
        if (auto no = why_not_dimension_value(key, held.text))
            return no;
    }
    return std::nullopt;
}

why why_not_meta(const python::value& v) {
    if (v.kind == kind::none)
        return std::nullopt;
    if (is_number(v))
        return fmt::format("object of type '{}' has no len()", python::type_name(v.kind));
    const auto length = v.kind == kind::text ? python::count_code_points(v.text) : v.members.size();
    if (length > max_meta_entries)
        return fmt::format(
            "Too many valueMeta entries {}, limit is {}: valueMeta {}",
            length,
            max_meta_entries,
            python::to_text(v));
    if (auto no = why_no_items(v))
        return no;
    for (const auto& [key, held] : v.members) {
        if (key.empty())
            return fmt::format(
                "valueMeta name cannot be empty: key={}, value={}", key, python::to_text(held));
        if (python::count_code_points(key) > max_characters)
            return fmt::format(
                "valueMeta name too long: {} must be {} characters or less", key, max_characters);
    }
    if (python::dumped_length(v) > max_meta_characters)
        return fmt::format(
            "valueMeta name value combinations must be {} characters or less: valueMeta {}",
            max_meta_characters,
            python::to_text(v));
    return std::nullopt;
}

// What stands before ": for metric x".
why why_not_members(const python::value& metric) {
    const auto* value = metric.find("value");
    if (value == nullptr)
        return "'value'";
    if (auto no = why_not_value(*value))
        return no;
    const auto* timestamp = metric.find("timestamp");
    if (timestamp == nullptr)
        return "'timestamp'";
    if (!is_number(*timestamp))
        return fmt::format(
            "invalid timestamp type: {} is not a number type for metric",
            python::to_text(*timestamp));
    if (const auto* dimensions = metric.find("dimensions"))
        if (auto no = why_not_dimensions(*dimensions))
            return no;
    if (const auto* meta = metric.find("value_meta"))
        return why_not_meta(*meta);
    return std::nullopt;
}

why why_not_metric(const python::value& metric) {
    switch (metric.kind) {
    case kind::object: break;
    case kind::list: return "list indices must be integers or slices, not str";
    case kind::text: return "string indices must be integers";
    default: return fmt::format("'{}' object is not subscriptable", python::type_name(metric.kind));
    }
    const auto* name = metric.find("name");
    if (name == nullptr)
        return "'name'";
    if (name->kind != kind::text)
        return fmt::format(
            "invalid metric name type: {} is not a string type ", python::to_text(*name));
    if (auto no = why_not_metric_name(name->text))
        return no;
    auto no = why_not_members(metric);
    if (!no)
        return std::nullopt;
    const bool is_missing = *no == "'value'" || *no == "'timestamp'";
    *no += fmt::format(": for metric {}", name->text);
    // A KeyError shows its text as Python would write it.
    return is_missing ? python::quoted(*no) : *no;
}

measurement to_measurement(const python::value& metric) {
    measurement made;
    made.name = metric.find("name")->text;
    made.value = python::to_double(*metric.find("value"));
    made.timestamp = python::to_double(*metric.find("timestamp"));
    if (const auto* dimensions = metric.find("dimensions"))
        for (const auto& [key, held] : dimensions->members)
            made.dimensions.emplace_back(key, held.text);
    std::sort(made.dimensions.begin(), made.dimensions.end());
    const auto* meta = metric.find("value_meta");
    if (meta != nullptr && !meta->members.empty())
        made.value_meta = python::to_json(*meta);
    return made;
}

} // namespace

why why_not_metric_name(std::string_view name) {
    if (!is_length_good(name))
        return fmt::format("invalid length for metric name: {}", name);
    if (has_any_of(name, never_in_names))
        return fmt::format("invalid characters in metric name: {}", name);
    return std::nullopt;
}

why why_not_dimension_key(std::string_view key) {
    if (!is_length_good(key))
        return fmt::format(
            "invalid length ({}) for dimension key {}", python::count_code_points(key), key);
    if (has_any_of(key, never_in_dimensions) || key.front() == '_')
        return fmt::format("invalid characters in dimension key {}", key);
    return std::nullopt;
}

why why_not_dimension_value(std::string_view key, std::string_view value) {
    if (!is_length_good(value))
        return fmt::format(
            "invalid length ({}) for dimension value {} from key {}",
            python::count_code_points(value),
            value,
            key);
    if (has_any_of(value, never_in_dimensions))
        return fmt::format("invalid characters in dimension value {} from key {}", value, key);
    return std::nullopt;
}

std::optional<monasca_error> why_not_metrics(const python::value& body) {
    why no;
    if (body.kind != kind::list)
        no = why_not_metric(body);
    for (std::size_t i = 0; body.kind == kind::list && !no && i < body.members.size(); ++i)
        no = why_not_metric(body.members[i].held);
    if (!no)
        return std::nullopt;
    return monasca_error{422, "Unprocessable Entity", std::move(*no)};
}

std::vector<measurement> to_measurements(const python::value& body) {
    std::vector<measurement> all;
    if (body.kind != kind::list) {
        all.push_back(to_measurement(body));
        return all;
    }
    all.reserve(body.members.size());
    for (const auto& m : body.members)
        all.push_back(to_measurement(m.held));
    return all;
}

} // namespace monarc::sink
