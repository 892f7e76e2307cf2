#include "sink/monasca_violations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace monarc::sink {
namespace {

using python::kind;
using python::value;

constexpr std::size_t max_series_bytes = std::size_t{64} << 10;
constexpr std::size_t max_dimensions = 32;
constexpr std::size_t max_dimension_bytes = std::size_t{16} << 10;
constexpr std::size_t max_utf16_units = 255;
constexpr std::size_t max_metrics = 1000;
constexpr std::size_t max_body_bytes = std::size_t{1} << 20;
constexpr std::size_t max_found = 1000; // of one body; more are not listed
constexpr double max_timestamp = 9'223'372'036'854.0;
constexpr double oldest = 14.0 * 24 * 3600 * 1000; // before now
constexpr double youngest = 2.0 * 60 * 1000;       // after now
constexpr std::array<std::string_view, 5> known_members{
    "name", "dimensions", "timestamp", "value", "value_meta"};

bool is_control(std::string_view text, std::size_t at) noexcept {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    // U+0080 … U+009F are controls too.
    const bool is_high =
        byte == 0xc2 && at + 1 < text.size() && static_cast<std::uint8_t>(text[at + 1]) < 0xa0;
    return byte < 0x20 || byte == 0x7f || is_high;
}

bool is_blank(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

class finder {
public:
    finder(std::vector<found_violation>& into, double now) : into_(into), now_(now) {}

    void look_at(const value& metric, std::size_t number) {
        number_ = number;
        look_at_members(metric);
        const auto& name = metric.find("name")->text;
        name_ = name;
        look_at_text("name", name, false);
        look_at_numbers(*metric.find("value"), *metric.find("timestamp"));
        if (const auto* dimensions = metric.find("dimensions"))
            look_at_dimensions(name, *dimensions);
        if (const auto* meta = metric.find("value_meta"))
            for (const auto& m : meta->members)
                if (m.held.kind != kind::text)
                    add(violation::meta_kind,
                        fmt::format(
                            "value_meta {} is a {}", m.key, python::type_name(m.held.kind)));
    }

    void add(violation what, std::string detail) {
        if (into_.size() < max_found)
            into_.push_back({what, std::move(detail), number_});
    }

private:
    void look_at_members(const value& metric) {
        for (const auto& m : metric.members)
            if (std::find(known_members.begin(), known_members.end(), m.key) == known_members.end())
                add(violation::extra_member, fmt::format("the member {}", m.key));
    }

    void look_at_text(std::string_view what, std::string_view text, bool is_dimension) {
        bool has_control = false;
        for (std::size_t i = 0; i < text.size(); ++i)
            has_control = has_control || (text[i] != '\n' && is_control(text, i));
        if (text.find('\n') != std::string_view::npos)
            add(violation::newline, fmt::format("the {} has a newline", what));
        if (has_control)
            add(violation::control, fmt::format("the {} has a control character", what));
        const bool is_strict =
            python::count_utf16_units(text) > max_utf16_units || is_blank(text.front()) ||
            is_blank(text.back()) ||
            (is_dimension && text.find_first_of("()|") != std::string_view::npos);
        if (is_strict)
            add(violation::stricter_api,
                fmt::format("the {} {} is refused by Monasca's Java API", what, text));
    }

    void look_at_numbers(const value& number, const value& timestamp) {
        if (number.kind == kind::boolean)
            add(violation::value_kind, fmt::format("the value is {}", number.text));
        const double at = python::to_double(timestamp);
        if (timestamp.kind != kind::integer)
            add(violation::timestamp_kind,
                fmt::format("the timestamp {} is no integer", timestamp.text));
        if (std::isnan(at))
            return;
        if (std::abs(at) > max_timestamp)
            add(violation::timestamp_range,
                fmt::format("the timestamp {} is beyond 64 bits of nanoseconds", timestamp.text));
        else if (at < now_ - oldest || at > now_ + youngest)
            add(violation::timestamp_window,
                fmt::format(
                    "the timestamp {} is {} s from now",
                    timestamp.text,
                    std::trunc((at - now_) / 1000)));
    }

    void look_at_dimensions(std::string_view name, const value& dimensions) {
        std::size_t bytes = 0;
        std::size_t escapes = 0;
        for (const auto& [key, held] : dimensions.members) {
            look_at_text("key", key, true);
            look_at_text("dimension", held.text, true);
            if (key == "time")
                add(violation::time_key, "a dimension time");
            if (key == "value" || key == "value_meta")
                add(violation::field_key, fmt::format("a dimension {}", key));
            bytes += key.size() + held.text.size();
            for (const auto text : {key, held.text})
                escapes += static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
        }
        const auto count = dimensions.members.size();
        if (count > max_dimensions || bytes > max_dimension_bytes)
            add(violation::dimension_limit, fmt::format("{} dimensions of {} bytes", count, bytes));
        // `name,key=value,…` as the store's line protocol writes it.
        if (name.size() + bytes + escapes + 2 * count > max_series_bytes)
            add(violation::series_too_large, fmt::format("a series key of {} bytes", bytes));
    }

    std::vector<found_violation>& into_;
    double now_;
    std::size_t number_ = 0;
    std::string_view name_;
};

} // namespace

std::string_view name(violation v) noexcept {
    switch (v) {
    case violation::newline: return "newline";
    case violation::time_key: return "time_key";
    case violation::timestamp_range: return "timestamp_range";
    case violation::series_too_large: return "series_too_large";
    case violation::timestamp_kind: return "timestamp_kind";
    case violation::timestamp_window: return "timestamp_window";
    case violation::field_key: return "field_key";
    case violation::value_kind: return "value_kind";
    case violation::control: return "control";
    case violation::stricter_api: return "stricter_api";
    case violation::extra_member: return "extra_member";
    case violation::meta_kind: return "meta_kind";
    case violation::repeated_member: return "repeated_member";
    case violation::dimension_limit: return "dimension_limit";
    case violation::empty_batch: return "empty_batch";
    case violation::large_batch: return "large_batch";
    case violation::bad_tenant: return "bad_tenant";
    case violation::expect: return "expect";
    }
    return {};
}

bool is_storable(violation v) noexcept {
    return v > violation::series_too_large;
}

std::vector<found_violation>
find_violations(const python::value& body, std::size_t body_bytes, std::int64_t now_milliseconds) {
    std::vector<found_violation> found;
    finder look(found, static_cast<double>(now_milliseconds));
    const bool is_list = body.kind == kind::list;
    if (is_list && body.members.empty())
        look.add(violation::empty_batch, "a batch without metrics");
    if (body.members.size() > max_metrics && is_list)
        look.add(violation::large_batch, fmt::format("{} metrics", body.members.size()));
    else if (body_bytes > max_body_bytes)
        look.add(violation::large_batch, fmt::format("{} bytes", body_bytes));
    if (!is_list)
        look.look_at(body, 0);
    for (std::size_t i = 0; is_list && i < body.members.size(); ++i)
        look.look_at(body.members[i].held, i);
    return found;
}

} // namespace monarc::sink
