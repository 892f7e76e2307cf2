#include "core/monasca_rules.hpp"

#include "core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace monarc::monasca_rules {
namespace {

constexpr std::string_view forbidden_in_names = "<>={},\"\\;&() ";
constexpr std::string_view forbidden_in_dimensions = "<>={},\"\\;&()|";

// One character of valid UTF-8.
struct character {
    std::uint32_t code;
    std::size_t bytes;
};
character character_at(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i]));
    };
    const auto lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    if (lead < 0xe0) {
        return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
    }
    if (lead < 0xf0) {
        return {(lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
    }
    return {
        (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f), 4};
}

template <class Visit>
void for_each_character(std::string_view text, Visit&& visit) {
    for (std::size_t at = 0; at < text.size();) {
        const auto one = character_at(text, at);
        visit(one, at);
        at += one.bytes;
    }
}

constexpr bool is_control(std::uint32_t code) noexcept {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

// As Java's trim and Python's strip see it, together.
constexpr bool is_space(std::uint32_t code) noexcept {
    return code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
           code == 0x202f || code == 0x205f || code == 0x3000;
}

bool is_forbidden(std::uint32_t code, std::string_view forbidden) noexcept {
    return is_control(code) ||
           (code < 0x80 && forbidden.find(static_cast<char>(code)) != std::string_view::npos);
}

std::size_t utf16_units(std::string_view text) {
    std::size_t units = 0;
    for_each_character(text, [&](character c, std::size_t) { units += c.bytes == 4 ? 2 : 1; });
    return units;
}

std::string shown(std::uint32_t code) {
    return is_control(code) ? fmt::format("U+{:04X}", code)
                            : fmt::format("'{}'", static_cast<char>(code));
}

std::string why_not(std::string_view text, std::string_view forbidden) {
    if (!is_utf8(text)) {
        return "is not UTF-8";
    }
    const auto units = utf16_units(text);
    if (units == 0 || units > max_text_units) {
        return fmt::format("has {} characters, 1 to {} are allowed", units, max_text_units);
    }
    std::string why;
    bool is_blank = true;
    std::uint32_t last = 0;
    for_each_character(text, [&](character c, std::size_t at) {
        is_blank = is_blank && is_space(c.code);
        last = c.code;
        if (why.empty() && is_forbidden(c.code, forbidden)) {
            why = fmt::format("holds {} at byte {}, which Monasca refuses", shown(c.code), at);
        }
    });
    if (why.empty() && is_blank) {
        why = "is nothing but white space";
    }
    // Some servers take it off, and others do not: it would be two series.
    if (why.empty() && (is_space(character_at(text, 0).code) || is_space(last))) {
        why = "begins or ends with white space";
    }
    return why;
}

} // namespace

std::string why_not_name(std::string_view name) {
    return why_not(name, forbidden_in_names);
}

std::string why_not_dimension_key(std::string_view key) {
    if (key == "time" || key == "value" || key == "value_meta") {
        return "is a name that Monasca's store keeps for itself";
    }
    if (key.starts_with('_')) {
        return "begins with '_', which Monasca refuses";
    }
    return why_not(key, forbidden_in_dimensions);
}

std::string why_not_dimension_value(std::string_view value) {
    return why_not(value, forbidden_in_dimensions);
}

std::string why_not_dimensions(const text_pairs& dimensions) {
    if (dimensions.size() > max_dimensions) {
        return fmt::format(
            "{} dimensions, at most {} are allowed", dimensions.size(), max_dimensions);
    }
    std::size_t bytes = 0;
    for (const auto& [key, value] : dimensions) {
        if (const auto why = why_not_dimension_key(key); !why.empty()) {
            return fmt::format("dimension {} {}", key, why);
        }
        if (const auto why = why_not_dimension_value(value); !why.empty()) {
            return fmt::format("value of dimension {} {}", key, why);
        }
        bytes += key.size() + value.size();
    }
    if (bytes > max_dimension_bytes) {
        return fmt::format(
            "dimensions of {} bytes, at most {} are allowed", bytes, max_dimension_bytes);
    }
    return {};
}

std::size_t repair_dimension_value(std::string& value) {
    // White space counts as forbidden around the rest.
    std::size_t begin = value.size();
    std::size_t end = 0;
    for_each_character(value, [&](character c, std::size_t at) {
        if (!is_space(c.code)) {
            begin = std::min(begin, at);
            end = at + c.bytes;
        }
    });
    std::size_t repaired = 0;
    std::string out;
    for_each_character(value, [&](character c, std::size_t at) {
        const bool is_around = begin < end && (at < begin || at >= end);
        if (is_around || is_forbidden(c.code, forbidden_in_dimensions)) {
            out += '_';
            ++repaired;
        } else {
            out.append(value, at, c.bytes);
        }
    });
    if (repaired != 0) {
        value = std::move(out);
    }
    return repaired;
}

bool is_good_meta(const text_pairs& meta) {
    if (meta.size() > max_meta_entries) {
        return false;
    }
    const auto printed = [](std::string_view text) {
        std::size_t length = 2;
        for_each_character(text, [&](character c, std::size_t) {
            const bool has_short_escape = c.code == '"' || c.code == '\\' || c.code == '\b' ||
                                          c.code == '\f' || c.code == '\n' || c.code == '\r' ||
                                          c.code == '\t';
            const bool is_plain = c.code >= 0x20 && c.code <= 0x7e;
            length += has_short_escape ? 2 : is_plain ? 1 : c.code > 0xffff ? 12 : 6;
        });
        return length;
    };
    constexpr std::string_view between_entries = ", ";
    constexpr std::string_view behind_key = ": ";
    std::size_t length = 2;
    for (const auto& [key, value] : meta) {
        const auto units = utf16_units(key);
        if (units == 0 || units > max_text_units) {
            return false;
        }
        length += printed(key) + behind_key.size() + printed(value);
    }
    length += meta.empty() ? 0 : (meta.size() - 1) * between_entries.size();
    return length <= max_meta_characters;
}

} // namespace monarc::monasca_rules
