#include "monasca/json_shape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace monarc::tool {
namespace python = sink::python;
using python::kind;

namespace {

void put_unit(std::string& out, char32_t unit) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(unit));
}

void put_escaped(std::string& out, char32_t c) {
    if (c < 0x10000) {
        put_unit(out, c);
        return;
    }
    put_unit(out, 0xd800 + ((c - 0x10000) >> 10));
    put_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

void put_text(std::string& out, std::string_view text, json_letters letters) {
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        switch (byte) {
        case '"': out += "\\\""; continue;
        case '\\': out += "\\\\"; continue;
        case '\n': out += "\\n"; continue;
        case '\r': out += "\\r"; continue;
        case '\t': out += "\\t"; continue;
        case '\b': out += "\\b"; continue;
        case '\f': out += "\\f"; continue;
        default: break;
        }
        if (byte < 0x20) {
            put_unit(out, byte);
        } else if (byte < 0x80 || letters == json_letters::raw) {
            out += text[i];
        } else { // valid UTF-8
            const std::size_t more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            char32_t c = byte & (0x3fu >> more);
            for (std::size_t k = 0; k < more && i + 1 < text.size(); ++k) {
                c = (c << 6) | (static_cast<std::uint8_t>(text[++i]) & 0x3fu);
            }
            put_escaped(out, c);
        }
    }
    out += '"';
}

void put_scalar(std::string& out, const json_value& v, json_letters letters) {
    switch (v.kind) {
    case kind::none: out += "null"; break;
    case kind::boolean: out += v.text; break;
    case kind::text: put_text(out, v.text, letters); break;
    case kind::number:
        if (const double number = python::to_double(v); !std::isfinite(number)) {
            out += std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
            break;
        }
        [[fallthrough]];
    default: out += python::to_text(v);
    }
}

void dump(std::string& out, const json_value& v, json_letters letters, std::size_t depth) {
    if (v.kind != kind::list && v.kind != kind::object) {
        put_scalar(out, v, letters);
        return;
    }
    const bool is_list = v.kind == kind::list;
    out += is_list ? '[' : '{';
    for (const auto& m : v.members) {
        out += &m == v.members.data() ? "\n" : ",\n";
        out.append(2 * (depth + 1), ' ');
        if (!is_list) {
            put_text(out, m.key, letters);
            out += ": ";
        }
        dump(out, m.held, letters, depth + 1);
    }
    if (!v.members.empty()) {
        out += '\n';
        out.append(2 * depth, ' ');
    }
    out += is_list ? ']' : '}';
}

// Texts in double quotes, which YAML reads as JSON does: nothing has to be guessed.
void put_yaml(std::string& out, const json_value& v, std::size_t depth) {
    if ((v.kind != kind::list && v.kind != kind::object) || v.members.empty()) {
        if (v.kind == kind::list || v.kind == kind::object) {
            out += v.kind == kind::list ? "[]" : "{}";
        } else {
            put_scalar(out, v, json_letters::raw);
        }
        out += '\n';
        return;
    }
    for (const auto& m : v.members) {
        const bool is_first = &m == v.members.data();
        out.append(is_first ? 0 : 2 * depth, ' ');
        const bool is_nested =
            (m.held.kind == kind::list || m.held.kind == kind::object) && !m.held.members.empty();
        if (v.kind == kind::list) {
            out += "- ";
        } else {
            put_text(out, m.key, json_letters::raw);
            out += ':';
            if (is_nested) {
                out += '\n';
                out.append(2 * (depth + 1), ' ');
            } else {
                out += ' ';
            }
        }
        put_yaml(out, m.held, depth + 1);
    }
}

} // namespace

std::string dumped(const json_value& v, json_letters letters) {
    std::string out;
    dump(out, v, letters, 0);
    return out;
}

std::string as_yaml(const json_value& v) {
    std::string out;
    put_yaml(out, v, 0);
    return out;
}

std::string compact(const json_value& v) {
    return python::to_json(v);
}

std::string plain_cell(const json_value& v) {
    switch (v.kind) {
    case kind::text: return std::string(v.text);
    case kind::list:
    case kind::object: return compact(v);
    default: return python::to_text(v);
    }
}

std::string joined_lines(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) {
        out += &line == lines.data() ? "" : "\n";
        out += line;
    }
    return out;
}

std::string dict_cell(const json_value& v) {
    if (v.kind != kind::object) {
        return plain_cell(v);
    }
    std::vector<std::string> lines;
    for (const auto& m : v.members) {
        lines.push_back(fmt::format("{}: {}", m.key, plain_cell(m.held)));
    }
    return joined_lines(lines);
}

std::string links_cell(const json_value& v) {
    if (v.kind != kind::list) {
        return plain_cell(v);
    }
    std::vector<std::string> lines;
    for (const auto& link : v.members) {
        std::vector<std::string> parts;
        for (const auto& m : link.held.members) {
            parts.push_back(fmt::format("{}:{}", m.key, plain_cell(m.held)));
        }
        std::sort(parts.begin(), parts.end());
        lines.push_back(fmt::format("{}", fmt::join(parts, ",")));
    }
    return joined_lines(lines);
}

std::string expression_cell(const json_value& v) {
    if (v.kind != kind::object) {
        return plain_cell(v);
    }
    std::vector<std::string> lines;
    for (const auto& m : v.members) {
        if (m.key == "dimensions" && m.held.kind == kind::object) {
            lines.push_back("dimensions: {\n" + dict_cell(m.held) + "\n}");
        } else {
            lines.push_back(fmt::format("{}: {}", m.key, plain_cell(m.held)));
        }
    }
    return joined_lines(lines);
}

std::string number_cell(const json_value& v) {
    const bool is_number =
        v.kind == kind::integer || v.kind == kind::number || v.kind == kind::boolean;
    return is_number ? fmt::format("{:12.3f}", python::to_double(v))
                     : fmt::format("{:>12}", plain_cell(v));
}

} // namespace monarc::tool
