#include "sink/monasca_switches.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace monarc::sink {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t max_seconds = 366 * std::uint64_t{86'400};

std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
    std::uint64_t number = 0;
    const auto end = text.data() + text.size();
    const auto got = std::from_chars(text.data(), end, number);
    if (text.empty() || got.ec != std::errc() || got.ptr != end)
        return std::nullopt;
    return number;
}

// A number alone counts in `unit`.
std::optional<milliseconds> read_duration(std::string_view text, milliseconds unit) noexcept {
    if (text.ends_with("ms")) {
        unit = milliseconds(1);
        text.remove_suffix(2);
    } else if (text.ends_with('s')) {
        unit = milliseconds(1000);
        text.remove_suffix(1);
    }
    const auto number = read_number(text);
    if (!number || *number > max_seconds)
        return std::nullopt;
    return unit * static_cast<milliseconds::rep>(*number);
}

struct asked {
    std::string_view name;
    std::string_view value;
    std::string why{};

    void refuse(std::string_view form) {
        why = fmt::format("{} wants {}, got '{}'", name, form, value);
    }
    // One of two words.
    bool is(std::string_view on, std::string_view off) {
        if (value != on && value != off)
            refuse(fmt::format("{} or {}", on, off));
        return value == on;
    }
    // A switch without a value is on.
    bool is_on() { return value.empty() || is("on", "off"); }
    std::uint64_t number() {
        const auto read = read_number(value);
        if (!read)
            refuse("a whole number");
        return read.value_or(0);
    }
    milliseconds duration(milliseconds unit) {
        const auto read = read_duration(value, unit);
        if (!read)
            refuse("a duration such as 2s or 300ms");
        return read.value_or(milliseconds(0));
    }
};

kafka_state read_kafka(asked& a) {
    if (a.value == "down")
        return kafka_state::down;
    if (a.value == "wedged")
        return kafka_state::wedged;
    if (a.value != "up")
        a.refuse("up, down or wedged");
    return kafka_state::up;
}

// Returns: whether there is such a switch.
bool set(asked& a, monasca_switches& into) {
    if (a.name == "gzip")
        into.takes_gzip = a.is("accept", "refuse");
    else if (a.name == "profile")
        into.is_java = a.is("java", "python");
    else if (a.name == "kafka")
        into.kafka = read_kafka(a);
    else if (a.name == "keystone")
        into.keystone_is_down = a.is("down", "up");
    else if (a.name == "no_role")
        into.has_role = !a.is_on();
    else if (a.name == "revoke")
        into.max_token_uses = a.number();
    else if (a.name == "slow")
        into.slow = a.duration(milliseconds(1));
    else if (a.name == "reset_after")
        into.reset_after = a.value == "off" ? std::nullopt : std::optional(a.number());
    else if (a.name == "half_close")
        into.half_closes = a.is_on();
    else if (a.name == "413_over")
        into.max_body_bytes = a.number();
    else if (a.name == "429")
        into.requests_a_second = a.number();
    else if (a.name == "token_life")
        into.token_life = a.duration(milliseconds(1000));
    else if (a.name == "keepalive")
        into.keep_alive = a.duration(milliseconds(1000));
    else
        return false;
    return true;
}

} // namespace

std::string read_switch(std::string_view text, monasca_switches& into) {
    const auto equals = text.find('=');
    asked a{
        text.substr(0, equals),
        equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1)};
    auto changed = into;
    if (!set(a, changed))
        return fmt::format(
            "there is no switch '{}'; there are gzip, profile, kafka, keystone, no_role, revoke, "
            "slow, reset_after, half_close, 413_over, 429, token_life and keepalive",
            a.name);
    if (a.why.empty())
        into = changed;
    return std::move(a.why);
}

} // namespace monarc::sink
