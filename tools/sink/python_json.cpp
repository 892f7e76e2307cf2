#include "sink/python_json.hpp"

#include "sink/json_text.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <unordered_map>

namespace monarc::sink::python {

namespace ondemand = simdjson::ondemand;

struct document::source {
    std::string text; // with the room that simdjson reads ahead
    ondemand::parser parser;
};

namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

std::size_t skip_digits(std::string_view token, std::size_t at) noexcept {
    while (at < token.size() && is_digit(token[at]))
        ++at;
    return at;
}

// none: it is no JSON number.
kind kind_of_number(std::string_view token) noexcept {
    std::size_t at = token.starts_with('-') ? 1 : 0;
    const auto whole = skip_digits(token, at);
    if (whole == at || (token[at] == '0' && whole != at + 1))
        return kind::none;
    if (whole == token.size())
        return kind::integer;
    at = whole;
    if (token[at] == '.') {
        const auto end = skip_digits(token, at + 1);
        if (end == at + 1)
            return kind::none;
        at = end;
    }
    if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
        ++at;
        if (at < token.size() && (token[at] == '+' || token[at] == '-'))
            ++at;
        const auto end = skip_digits(token, at);
        if (end == at)
            return kind::none;
        at = end;
    }
    return at == token.size() ? kind::number : kind::none;
}

// Walks the whole text once: whatever is wrong anywhere is found before anything is used.
class reader {
public:
    std::error_code read(ondemand::value from, value& into, int depth) {
        if (depth > document::max_depth)
            return errc::bad_data;
        if (++count_ > document::max_values)
            return errc::too_large;
        std::string_view token = from.raw_json_token();
        while (!token.empty() &&
               std::string_view(" \t\r\n").find(token.back()) != std::string_view::npos)
            token.remove_suffix(1);
        if (token.empty())
            return errc::bad_data;
        switch (token.front()) {
        case '{': return read_object(from, into, depth);
        case '[': return read_list(from, into, depth);
        case '"':
            into.kind = kind::text;
            return from.get_string().get(into.text) == simdjson::SUCCESS ? std::error_code()
                                                                         : errc::bad_data;
        default: return read_plain(token, into);
        }
    }

    bool has_repeated_keys() const noexcept { return has_repeated_keys_; }

private:
    static std::error_code read_plain(std::string_view token, value& into) {
        into.text = token;
        if (token == "null")
            into.kind = kind::none;
        else if (token == "true" || token == "false")
            into.kind = kind::boolean;
        else if (token == "NaN" || token == "Infinity" || token == "-Infinity")
            into.kind = kind::number;
        else if (into.kind = kind_of_number(token); into.kind == kind::none)
            return errc::bad_data;
        return {};
    }

    std::error_code read_list(ondemand::value from, value& into, int depth) {
        into.kind = kind::list;
        ondemand::array all;
        if (from.get_array().get(all) != simdjson::SUCCESS)
            return errc::bad_data;
        for (auto element : all) {
            if (element.error() != simdjson::SUCCESS)
                return errc::bad_data;
            auto& made = into.members.emplace_back();
            if (const auto ec = read(element.value_unsafe(), made.held, depth + 1))
                return ec;
        }
        return {};
    }

    std::error_code read_object(ondemand::value from, value& into, int depth) {
        into.kind = kind::object;
        ondemand::object all;
        if (from.get_object().get(all) != simdjson::SUCCESS)
            return errc::bad_data;
        for (auto pair : all) {
            if (pair.error() != simdjson::SUCCESS)
                return errc::bad_data;
            auto& field = pair.value_unsafe();
            member made;
            if (field.unescaped_key().get(made.key) != simdjson::SUCCESS)
                return errc::bad_data;
            if (const auto ec = read(field.value(), made.held, depth + 1))
                return ec;
            into.members.push_back(std::move(made));
        }
        keep_last_of_equals(into.members);
        return {};
    }

    // As a dict does: the place of the first, the value of the last.
    void keep_last_of_equals(std::vector<member>& members) {
        std::unordered_map<std::string_view, std::size_t> places;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto [place, is_new] = places.try_emplace(members[i].key, kept);
            if (place->second != i)
                members[place->second] = std::move(members[i]);
            kept += is_new ? 1 : 0;
        }
        has_repeated_keys_ = has_repeated_keys_ || kept != members.size();
        members.resize(kept);
    }

    std::size_t count_ = 0;
    bool has_repeated_keys_ = false;
};

// What repr() makes of a float.
void append_double(std::string& out, double number) {
    if (std::isnan(number)) {
        out += "nan";
        return;
    }
    if (std::isinf(number)) {
        out += number > 0 ? "inf" : "-inf";
        return;
    }
    const auto start = out.size();
    fmt::format_to(std::back_inserter(out), "{}", number);
    if (out.find_first_of(".e", start) == std::string::npos)
        out += ".0";
}

void append_repr(std::string& out, const value& v);

void append_members(std::string& out, const value& v) {
    out += v.kind == kind::list ? '[' : '{';
    for (const auto& m : v.members) {
        if (&m != v.members.data())
            out += ", ";
        if (v.kind == kind::object)
            out += quoted(m.key) + ": ";
        append_repr(out, m.held);
    }
    out += v.kind == kind::list ? ']' : '}';
}

void append_repr(std::string& out, const value& v) {
    switch (v.kind) {
    case kind::none: out += "None"; return;
    case kind::boolean: out += v.text == "true" ? "True" : "False"; return;
    case kind::integer: out += v.text == "-0" ? std::string_view("0") : v.text; return;
    case kind::number: append_double(out, to_double(v)); return;
    case kind::text: out += quoted(v.text); return;
    case kind::list:
    case kind::object: append_members(out, v); return;
    }
}

// How many characters the escapes of one code point take, its bytes at the front of `text`.
std::size_t dumped_character(std::string_view text, std::size_t& bytes) noexcept {
    const auto first = static_cast<std::uint8_t>(text.front());
    bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (bytes == 4)
        return 12;
    if (first == '"' || first == '\\' || (first >= '\b' && first <= '\r' && first != '\v'))
        return 2;
    return first >= 0x20 && first < 0x7f ? 1 : 6;
}

std::size_t dumped_text(std::string_view text) noexcept {
    std::size_t length = 2;
    while (!text.empty()) {
        std::size_t bytes = 0;
        length += dumped_character(text, bytes);
        text.remove_prefix(std::min(bytes, text.size()));
    }
    return length;
}

} // namespace

const value* value::find(std::string_view key) const noexcept {
    const auto found =
        std::find_if(members.begin(), members.end(), [&](const member& m) { return m.key == key; });
    return found == members.end() ? nullptr : &found->held;
}

double to_double(const value& v) {
    if (v.kind == kind::boolean)
        return v.text == "true" ? 1 : 0;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (v.text == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    if (v.text.ends_with("Infinity"))
        return v.text.front() == '-' ? -infinity : infinity;
    double number = 0;
    const auto got = std::from_chars(v.text.data(), v.text.data() + v.text.size(), number);
    if (got.ec != std::errc::result_out_of_range)
        return number;
    // Too large or too small: what stands before and behind the decimal point tells which.
    return std::strtod(std::string(v.text).c_str(), nullptr);
}

result<document> document::read(std::string_view json) {
    document made;
    made.source_ = std::make_shared<source>();
    auto& text = made.source_->text;
    // A list around it spares a case of its own for values that are no list or object.
    text.reserve(json.size() + 2 + simdjson::SIMDJSON_PADDING);
    text += '[';
    text += json;
    text += ']';
    ondemand::document all;
    ondemand::value outer;
    value list;
    reader r;
    if (made.source_->parser.iterate(text).get(all) != simdjson::SUCCESS ||
        all.get_value().get(outer) != simdjson::SUCCESS)
        return make_error_code(errc::bad_data);
    if (const auto ec = r.read(outer, list, 0))
        return ec;
    // `[1],[2]` closes the list too early, and `[1, 2]` are two values.
    if (all.current_location().error() != simdjson::OUT_OF_BOUNDS || list.members.size() != 1)
        return make_error_code(errc::bad_data);
    made.root_ = std::move(list.members.front().held);
    made.has_repeated_keys_ = r.has_repeated_keys();
    return made;
}

std::string_view type_name(kind k) noexcept {
    switch (k) {
    case kind::none: return "NoneType";
    case kind::boolean: return "bool";
    case kind::integer: return "int";
    case kind::number: return "float";
    case kind::text: return "str";
    case kind::list: return "list";
    case kind::object: return "dict";
    }
    return {};
}

std::string to_text(const value& v) {
    if (v.kind == kind::text)
        return std::string(v.text);
    std::string out;
    append_repr(out, v);
    return out;
}

std::string quoted(std::string_view text) {
    const bool has_single = text.find('\'') != std::string_view::npos;
    const char mark = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
    std::string out(1, mark);
    for (const char c : text)
        switch (c) {
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        case '\\': out += "\\\\"; break;
        default:
            if (c == mark)
                out += '\\';
            if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f)
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(c));
            else
                out += c;
        }
    out += mark;
    return out;
}

std::size_t dumped_length(const value& v) {
    switch (v.kind) {
    case kind::none: return 4;
    case kind::boolean: return v.text.size();
    case kind::text: return dumped_text(v.text);
    case kind::number:
        if (!std::isfinite(to_double(v)))
            return std::isnan(to_double(v)) ? 3 : to_double(v) > 0 ? 8 : 9;
        [[fallthrough]];
    case kind::integer: return to_text(v).size();
    case kind::list:
    case kind::object: break;
    }
    std::size_t length = 2 + (v.members.empty() ? 0 : 2 * (v.members.size() - 1));
    for (const auto& m : v.members)
        length += (v.kind == kind::object ? dumped_text(m.key) + 2 : 0) + dumped_length(m.held);
    return length;
}

std::size_t count_code_points(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<std::uint8_t>(c) & 0xc0u) != 0x80;
    }));
}

std::size_t count_utf16_units(std::string_view text) noexcept {
    return count_code_points(text) +
           static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
               return static_cast<std::uint8_t>(c) >= 0xf0;
           }));
}

std::string to_json(const value& v) {
    if (v.kind == kind::text) {
        std::string out;
        append_json_string(out, v.text);
        return out;
    }
    if (v.kind == kind::none)
        return "null";
    if (v.kind != kind::list && v.kind != kind::object)
        return std::string(v.text);
    std::string out(1, v.kind == kind::list ? '[' : '{');
    for (const auto& m : v.members) {
        if (&m != v.members.data())
            out += ',';
        if (v.kind == kind::object) {
            append_json_string(out, m.key);
            out += ':';
        }
        out += to_json(m.held);
    }
    out += v.kind == kind::list ? ']' : '}';
    return out;
}

} // namespace monarc::sink::python
