#include "golden/recorded_value.hpp"

#include "encode/json_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <regex>

namespace monarc::golden {
namespace {

using sink::python::kind;

// The member of an object that stands for something else, with its name; null if it is plain.
const sink::python::member* special(const json_value& value) {
    const bool is_special = value.kind == kind::object && value.members.size() == 1 &&
                            value.members.front().key.starts_with('$');
    return is_special ? &value.members.front() : nullptr;
}

std::size_t count_of(const json_value& value) {
    std::size_t count = 0;
    std::from_chars(value.text.data(), value.text.data() + value.text.size(), count);
    return count;
}

std::string listed(std::size_t count, bool is_map) {
    std::string text(1, is_map ? '{' : '[');
    for (std::size_t i = 0; i < count; ++i) {
        text += i == 0 ? "" : ",";
        text += is_map ? "\"k" + std::to_string(i) + "\":" : "";
        text += std::to_string(i);
    }
    return text + (is_map ? '}' : ']');
}

void put(std::string& to, const json_value& value, std::string_view now);

void put_members(std::string& to, const json_value& value, std::string_view now) {
    const bool is_object = value.kind == kind::object;
    to += is_object ? '{' : '[';
    for (std::size_t i = 0; i < value.members.size(); ++i) {
        to += i == 0 ? "" : ",";
        if (is_object) {
            encode::put_json_text(to, value.members[i].key);
            to += ':';
        }
        put(to, value.members[i].held, now);
    }
    to += is_object ? '}' : ']';
}

void put_special(std::string& to, const sink::python::member& what, std::string_view now) {
    const auto& held = what.held;
    using limits = std::numeric_limits<double>;
    if (what.key == "$float") {
        encode::put_json_real(
            to,
            held.text == "nan"   ? limits::quiet_NaN()
            : held.text == "inf" ? limits::infinity()
                                 : -limits::infinity());
    } else if (what.key == "$repeat") {
        std::string text;
        for (auto left = count_of(*held.find("n")); left != 0; --left) {
            text += held.find("text")->text;
        }
        encode::put_json_text(to, text);
    } else if (what.key == "$range_list" || what.key == "$range_map") {
        to += listed(count_of(held), what.key == "$range_map");
    } else if (what.key == "$nest") {
        const auto depth = count_of(held);
        to += std::string(depth, '[') + '1' + std::string(depth, ']');
    } else if (what.key == "$tuple") {
        put_members(to, held, now);
    } else {
        to += "<" + std::string(what.key) + ">"; // no JSON
    }
}

void put(std::string& to, const json_value& value, std::string_view now) {
    if (const auto* const what = special(value)) {
        put_special(to, *what, now);
        return;
    }
    switch (value.kind) {
    case kind::none: to += "null"; break;
    case kind::boolean:
    case kind::integer: to += value.text; break;
    case kind::number: encode::put_json_real(to, sink::python::to_double(value)); break;
    case kind::text:
        if (value.text == "<NOW>" && !now.empty()) {
            to += now;
        } else {
            encode::put_json_text(to, value.text);
        }
        break;
    case kind::list:
    case kind::object: put_members(to, value, now); break;
    }
}

} // namespace

bool is_beyond_json(const json_value& value) {
    if (const auto* const what = special(value)) {
        static constexpr std::string_view sayable[] = {
            "$float", "$repeat", "$range_list", "$range_map", "$nest", "$tuple"};
        return std::find(std::begin(sayable), std::end(sayable), what->key) == std::end(sayable) ||
               (what->key == "$tuple" && is_beyond_json(what->held));
    }
    return std::any_of(value.members.begin(), value.members.end(), [](const auto& member) {
        return is_beyond_json(member.held);
    });
}

std::string offered_text(const json_value& value) {
    std::string text;
    put(text, value, {});
    return text;
}

std::string canonical(const json_value& value, std::string_view now) {
    std::string text;
    put(text, value, now);
    return text;
}

bool uuid_numbers::match(std::string_view expected, std::string_view actual) {
    static constexpr std::string_view mark = "<UUID:";
    static constexpr std::size_t uuid_bytes = 36;
    while (true) {
        const auto at = expected.find(mark);
        if (at == expected.npos) {
            return expected == actual;
        }
        const auto end = expected.find('>', at) + 1;
        if (actual.size() < at + uuid_bytes || expected.substr(0, at) != actual.substr(0, at)) {
            return false;
        }
        const std::string name(expected.substr(at, end - at));
        const std::string uuid(actual.substr(at, uuid_bytes));
        static const std::regex version_1(
            "[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
        const auto known = std::find_if(known_.begin(), known_.end(), [&](const auto& one) {
            return one.first == name || one.second == uuid;
        });
        if (!std::regex_match(uuid, version_1) ||
            (known != known_.end() && *known != std::pair(name, uuid))) {
            return false;
        }
        if (known == known_.end()) {
            known_.emplace_back(name, uuid);
        }
        expected.remove_prefix(end);
        actual.remove_prefix(at + uuid_bytes);
    }
}

} // namespace monarc::golden
