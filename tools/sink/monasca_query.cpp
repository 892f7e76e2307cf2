#include "sink/monasca_query.hpp"

#include "sink/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace monarc::sink {
namespace {

constexpr std::size_t page_limit = 10'000;
constexpr std::int64_t default_period = 300;
constexpr std::int64_t microseconds = 1'000'000;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

template <class Integer>
bool read_whole(std::string_view text, Integer& into) noexcept {
    const auto end = text.data() + text.size();
    const auto got = std::from_chars(text.data(), end, into);
    return got.ec == std::errc() && got.ptr == end;
}

// Reads `count` digits off the front.
bool take_digits(std::string_view& text, std::size_t count, int& into) noexcept {
    if (text.size() < count || text.find_first_not_of("0123456789") < count)
        return false;
    const bool is_good = read_whole(text.substr(0, count), into);
    text.remove_prefix(count);
    return is_good;
}

bool take(std::string_view& text, char c) noexcept {
    if (!text.starts_with(c))
        return false;
    text.remove_prefix(1);
    return true;
}

// Minutes east of Greenwich.
bool take_zone(std::string_view& text, int& minutes) noexcept {
    minutes = 0;
    if (text.empty() || take(text, 'Z') || take(text, 'z'))
        return true;
    const bool is_west = text.starts_with('-');
    if (!take(text, '-') && !take(text, '+'))
        return false;
    int hours = 0;
    int rest = 0;
    if (!take_digits(text, 2, hours))
        return false;
    (void)take(text, ':');
    if (!text.empty() && !take_digits(text, 2, rest))
        return false;
    minutes = (hours * 60 + rest) * (is_west ? -1 : 1);
    return hours < 24 && rest < 60;
}

bool take_clock(std::string_view& text, std::int64_t& into) noexcept {
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute))
        return false;
    if (take(text, ':') && !take_digits(text, 2, second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    into = (std::int64_t{hour} * 3600 + minute * 60 + second) * microseconds;
    if (take(text, '.') || take(text, ',')) {
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        std::int64_t unit = microseconds / 10;
        for (std::size_t i = 0; i < digits; ++i, unit /= 10)
            into += (text[i] - '0') * unit;
        text.remove_prefix(digits);
        return digits != 0;
    }
    return true;
}

// Names and keys that no metric can have are refused, as where they are written.
void check(std::optional<std::string> why) {
    if (why)
        refuse_query(std::move(*why));
}

} // namespace

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(at);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

void refuse_query(std::string description) {
    throw monasca_refusal({422, "Unprocessable Entity", std::move(description)});
}

bool dimension_filter::admits(const dimension_list& dimensions) const noexcept {
    return std::all_of(all.begin(), all.end(), [&](const wanted& w) {
        const auto at = std::find_if(
            dimensions.begin(), dimensions.end(), [&](const auto& d) { return d.first == w.key; });
        return at != dimensions.end() &&
               (w.values.empty() ||
                std::find(w.values.begin(), w.values.end(), at->second) != w.values.end());
    });
}

dimension_list dimension_filter::as_dimensions() const {
    dimension_list made;
    for (const auto& w : all)
        made.emplace_back(w.key, fmt::format("{}", fmt::join(w.values, "|")));
    return made;
}

std::optional<std::string> monasca_query::find(std::string_view name) const {
    const auto found = std::find_if(
        params_.begin(), params_.end(), [&](const auto& p) { return p.first == name; });
    return found == params_.end() ? std::nullopt : std::optional(found->second);
}

std::string monasca_query::require(std::string_view name, std::string_view called) const {
    auto found = find(name);
    if (!found)
        refuse_query(fmt::format("Missing {}", called));
    return std::move(*found);
}

std::vector<std::string> monasca_query::find_all(std::string_view name) const {
    std::vector<std::string> all;
    for (const auto& [key, value] : params_)
        if (key == name)
            all.push_back(value);
    return all;
}

std::string monasca_query::metric_name(bool is_required) const {
    auto name = is_required ? require("name", "name") : find("name").value_or("");
    if (!name.empty())
        check(why_not_metric_name(name));
    return name;
}

dimension_filter monasca_query::dimensions(std::string_view name) const {
    dimension_filter filter;
    for (const auto& text : find_all(name))
        for (const auto& pair : split(text, ',')) {
            dimension_filter::wanted made;
            const auto colon = pair.find(':');
            made.key = pair.substr(0, colon);
            if (!made.key.empty() && made.key.front() == '_')
                refuse_query(fmt::format("Dimension key {} may not start with '_'", made.key));
            check(why_not_dimension_key(made.key));
            if (colon != std::string::npos && colon + 1 != pair.size())
                made.values = split(std::string_view(pair).substr(colon + 1), '|');
            for (const auto& value : made.values)
                check(why_not_dimension_value(made.key, value));
            std::erase_if(filter.all, [&](const auto& w) { return w.key == made.key; });
            filter.all.push_back(std::move(made));
        }
    return filter;
}

std::optional<std::int64_t> monasca_query::time(std::string_view name) const {
    const auto text = find(name);
    if (!text)
        return std::nullopt;
    const auto at = read_time(*text);
    if (!at)
        refuse_query(fmt::format("Unable to parse date string {}", python::quoted(*text)));
    return at;
}

std::int64_t monasca_query::required_time(std::string_view name, std::string_view called) const {
    (void)require(name, called);
    return *time(name);
}

std::size_t monasca_query::limit() const {
    const auto text = find("limit");
    if (!text)
        return page_limit;
    if (text->find_first_not_of("0123456789") != std::string::npos)
        throw monasca_refusal({422, "Invalid limit", "Limit parameter must be a positive integer"});
    std::size_t wanted = page_limit;
    if (!read_whole(*text, wanted))
        return page_limit; // more digits than a number can have
    return std::min(wanted, page_limit);
}

std::vector<std::string> monasca_query::statistics() const {
    constexpr std::array<std::string_view, 5> known{"avg", "min", "max", "count", "sum"};
    std::vector<std::string> all;
    (void)require("statistics", "statistics");
    for (const auto& text : find_all("statistics"))
        for (auto& statistic : split(text, ','))
            all.push_back(lower(std::move(statistic)));
    for (const auto& statistic : all)
        if (std::find(known.begin(), known.end(), statistic) == known.end())
            refuse_query("Invalid statistic");
    return all;
}

std::int64_t monasca_query::period() const {
    const auto text = find("period");
    std::int64_t seconds = default_period;
    if (text && !read_whole(*text, seconds))
        refuse_query("Period must be a valid integer");
    if (seconds < 0)
        refuse_query("Period must be a positive integer");
    constexpr std::int64_t a_century = std::int64_t{100} * 366 * 24 * 3600;
    return std::min(seconds, a_century);
}

bool monasca_query::merges() const {
    return lower(find("merge_metrics").value_or("")) == "true";
}

std::vector<std::string> monasca_query::group_by() const {
    std::vector<std::string> all;
    for (const auto& text : find_all("group_by"))
        for (auto& key : split(text, ','))
            all.push_back(std::move(key));
    return all;
}

std::string monasca_query::tenant() const {
    const auto all = find_all("tenant_id");
    if (all.empty())
        return {};
    if (all.size() == 1)
        return all.front();
    std::string list = "[";
    for (const auto& one : all) {
        if (list.size() != 1)
            list += ", ";
        append_json_string(list, one);
    }
    return list + "]";
}

std::optional<std::int64_t> read_time(std::string_view text) {
    int year = 0;
    int month = 1;
    int day = 1;
    if (!take_digits(text, 4, year))
        return std::nullopt;
    const bool has_dashes = take(text, '-');
    if (!text.empty() && !take_digits(text, 2, month))
        return std::nullopt;
    if (has_dashes && !text.empty() && !take(text, '-'))
        return std::nullopt;
    if (!text.empty() && !take_digits(text, 2, day))
        return std::nullopt;
    const auto date = std::chrono::year(year) / month / day;
    if (!date.ok())
        return std::nullopt;
    std::int64_t clock = 0;
    int zone = 0;
    if (!text.empty()) {
        if (!take(text, 'T') && !take(text, ' '))
            return std::nullopt;
        if (!take_clock(text, clock) || !take_zone(text, zone) || !text.empty())
            return std::nullopt;
    }
    const auto days = std::chrono::sys_days(date).time_since_epoch().count();
    return (std::int64_t{days} * 24 * 3600 - std::int64_t{zone} * 60) * microseconds + clock;
}

std::string to_time(std::int64_t milliseconds, bool with_milliseconds) {
    using namespace std::chrono;
    const sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(milliseconds)};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss clock(at - day);
    auto text = fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        clock.hours().count(),
        clock.minutes().count(),
        clock.seconds().count());
    if (with_milliseconds)
        text += fmt::format(".{:03}", clock.subseconds().count());
    return text + "Z";
}

} // namespace monarc::sink
