#include "send/time_column.hpp"

#include "core/option_value.hpp"
#include "send/cell_value.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <optional>

namespace monarc::send {
namespace {

using namespace std::chrono;

constexpr double first_milliseconds = 1e11; // what is smaller is seconds: 1973 and 5138
constexpr std::int64_t last_second = std::int64_t{1} << 32; // what the forward protocol can say

// Reads a text from the left.
class scanner {
public:
    explicit scanner(std::string_view text) : rest_(text) {}

    // Exactly so many digits.
    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) {
            return std::nullopt;
        }
        int number = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') {
                return std::nullopt;
            }
            number = number * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return number;
    }
    bool skip(char c) {
        if (!rest_.starts_with(c)) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool skip_any_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_.front()) == characters.npos) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    // Behind the point: nanoseconds; further digits are read and cut off.
    std::optional<nanoseconds> fraction() {
        std::int64_t sum = 0;
        std::int64_t unit = 1'000'000'000;
        bool is_any = false;
        while (const auto digit = digits(1)) {
            unit /= 10;
            sum += *digit * unit;
            is_any = true;
        }
        return is_any ? std::optional(nanoseconds(sum)) : std::nullopt;
    }
    bool is_over() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

std::optional<sys_days> read_date(scanner& from) {
    const auto y = from.digits(4);
    if (!y || !from.skip('-')) {
        return std::nullopt;
    }
    const auto m = from.digits(2);
    if (!m || !from.skip('-')) {
        return std::nullopt;
    }
    const auto d = from.digits(2);
    const auto date =
        d ? year(*y) / month(static_cast<unsigned>(*m)) / day(static_cast<unsigned>(*d))
          : year_month_day();
    return d && date.ok() ? std::optional(sys_days(date)) : std::nullopt;
}

// hh:mm, hh:mm:ss, with a fraction of the second; a leap second counts as the next one.
std::optional<nanoseconds> read_clock(scanner& from) {
    const auto h = from.digits(2);
    if (!h || *h > 23 || !from.skip(':')) {
        return std::nullopt;
    }
    const auto m = from.digits(2);
    if (!m || *m > 59) {
        return std::nullopt;
    }
    nanoseconds clock = hours(*h) + minutes(*m);
    if (from.skip(':')) {
        const auto s = from.digits(2);
        if (!s || *s > 60) {
            return std::nullopt;
        }
        clock += seconds(*s);
        if (from.skip_any_of(".,")) {
            const auto part = from.fraction();
            if (!part) {
                return std::nullopt;
            }
            clock += *part;
        }
    }
    return clock;
}

// Z, +hh:mm, +hhmm, +hh or nothing: UTC.
std::optional<minutes> read_offset(scanner& from) {
    if (from.is_over() || from.skip_any_of("Zz")) {
        return minutes(0);
    }
    const bool is_west = from.skip('-');
    if (!is_west && !from.skip('+')) {
        return std::nullopt;
    }
    const auto h = from.digits(2);
    if (!h || *h > 23) {
        return std::nullopt;
    }
    from.skip(':');
    const auto m = from.is_over() ? std::optional(0) : from.digits(2);
    if (!m || *m > 59) {
        return std::nullopt;
    }
    const auto offset = hours(*h) + minutes(*m);
    return is_west ? -offset : offset;
}

std::optional<sys_time<nanoseconds>> read_iso8601(std::string_view text) {
    scanner from(text);
    const auto date = read_date(from);
    if (!date) {
        return std::nullopt;
    }
    if (from.is_over()) {
        return *date;
    }
    if (!from.skip_any_of("Tt ")) {
        return std::nullopt;
    }
    const auto clock = read_clock(from);
    const auto offset = clock ? read_offset(from) : std::nullopt;
    if (!offset || !from.is_over()) {
        return std::nullopt;
    }
    return *date + *clock - *offset;
}

bool is_milliseconds(double size, time_form form) {
    return form == time_form::milliseconds ||
           (form == time_form::automatic && size >= first_milliseconds);
}

// Whole numbers stay exact. Returns: nothing if it is negative, or too large for nanoseconds.
std::optional<sys_time<nanoseconds>> read_number(const value& number, double size, time_form form) {
    const auto* const whole = std::get_if<std::int64_t>(&number);
    const bool is_fine = is_milliseconds(size, form);
    const double unit = is_fine ? 1e6 : 1e9;
    if (!(size >= 0.0 && size * unit < 9e18)) {
        return std::nullopt;
    }
    const auto count = whole != nullptr ? *whole * (is_fine ? 1'000'000 : 1'000'000'000)
                                        : std::llround(size * unit);
    return sys_time<nanoseconds>(nanoseconds(count));
}

// Microseconds and nanoseconds are too large for milliseconds.
std::string_view unit_of(double size, time_form form) {
    return is_milliseconds(size, form) ? ", in milliseconds" : ", in seconds";
}

std::string_view wanted(time_form form) {
    switch (form) {
    case time_form::seconds: return "a number of seconds since 1970";
    case time_form::milliseconds: return "a number of milliseconds since 1970";
    case time_form::iso8601: return "an ISO 8601 time such as 2026-01-31T12:30:00Z";
    case time_form::automatic: break;
    }
    return "a time (seconds or milliseconds since 1970, or ISO 8601)";
}

} // namespace

std::string shown(const value& what) {
    struct {
        std::string operator()(missing) const { return "nothing"; }
        std::string operator()(nested) const { return "an object or array"; }
        std::string operator()(std::nullptr_t) const { return "null"; }
        std::string operator()(std::string_view text) const { return quoted(text); }
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
        std::string operator()(std::uint64_t number) const { return fmt::format("{}", number); }
        std::string operator()(double number) const { return fmt::format("{:#}", number); }
    } const show;
    return std::visit(show, what);
}

std::string read_time(const value& from, time_form form, time_point& to) {
    std::optional<sys_time<nanoseconds>> read;
    const auto* const text = std::get_if<std::string_view>(&from);
    const auto number = text != nullptr ? cell_value(*text) : from;
    const auto counted = number_of(number);
    const bool is_number = form != time_form::iso8601 && counted.has_value();
    const double size = counted.value_or(0.0);
    if (is_number) {
        read = read_number(number, size, form);
    } else if (text != nullptr && (form == time_form::automatic || form == time_form::iso8601)) {
        read = read_iso8601(*text);
    }
    if (!read && !is_number) {
        return fmt::format("{} is not {}", shown(from), wanted(form));
    }
    const auto second = read ? floor<seconds>(*read).time_since_epoch().count() : -1;
    if (second < 0 || second >= last_second) {
        return fmt::format(
            "{} is not between 1970 and 2106{}", shown(from), is_number ? unit_of(size, form) : "");
    }
    to = time_point_cast<system_clock::duration>(*read);
    return {};
}

std::string to_iso8601(time_point when) {
    const auto whole = floor<milliseconds>(when);
    const auto part = whole.time_since_epoch().count() % 1000;
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
        fmt::gmtime(system_clock::to_time_t(floor<seconds>(when))),
        part);
}

} // namespace monarc::send
