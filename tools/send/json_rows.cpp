#include "send/json_rows.hpp"

#include "core/json_block.hpp"
#include "core/utf8.hpp"
#include "send/text_of_input.hpp"

#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>

#include <fmt/format.h>

#include <utility>

namespace monarc::send {
namespace {

namespace dom = simdjson::dom;

// As the exporter would judge it: a record beyond that is dropped(bad_json).
bool is_too_deep(const dom::element& element, std::size_t level) {
    if (!element.is_object() && !element.is_array()) {
        return false;
    }
    if (level > detail::max_levels) {
        return true;
    }
    if (element.is_array()) {
        for (const auto one : dom::array(element)) {
            if (is_too_deep(one, level + 1)) {
                return true;
            }
        }
        return false;
    }
    for (const auto member : dom::object(element)) {
        if (is_too_deep(member.value, level + 1)) {
            return true;
        }
    }
    return false;
}

value value_of(const dom::element& element) {
    switch (element.type()) {
    case dom::element_type::NULL_VALUE: return nullptr;
    case dom::element_type::BOOL: return bool(element);
    case dom::element_type::INT64: return std::int64_t(element);
    case dom::element_type::UINT64: return std::uint64_t(element);
    case dom::element_type::DOUBLE: return double(element);
    case dom::element_type::STRING: return std::string_view(element);
    case dom::element_type::ARRAY:
    case dom::element_type::OBJECT: break;
    }
    return nested{};
}

// `path` below `from`, one name after each dot; of a name that stands twice the later one counts.
value value_below(const dom::element& from, std::string_view path) {
    dom::object object;
    if (from.get(object) != simdjson::SUCCESS) {
        return missing{};
    }
    const auto dot = path.find('.');
    value whole = missing{};
    value inner = missing{};
    for (const auto [key, element] : object) {
        if (key == path) {
            whole = value_of(element);
        } else if (dot != path.npos && key == path.substr(0, dot)) {
            inner = value_below(element, path.substr(dot + 1));
        }
    }
    return std::holds_alternative<missing>(whole) ? inner : whole;
}

std::string no_json(std::string_view text, simdjson::error_code error) {
    if (!text.starts_with('{')) {
        return "no JSON object; one a line is wanted, or CSV with --format csv";
    }
    if (error == simdjson::NUMBER_ERROR) {
        return "no JSON: a number that JSON does not have, an integer beyond 64 bits or a number "
               "beyond a double; in quotes it is a text";
    }
    return fmt::format("no JSON: {}", simdjson::error_message(error));
}

} // namespace

json_rows::json_rows(line_reader& lines, std::vector<std::string> columns, std::uint64_t skip_lines)
    : lines_(lines), columns_(std::move(columns)), skip_lines_(skip_lines) {}

found json_rows::next(row& to, std::string& why) {
    while (true) {
        const auto read = lines_.next();
        if (!read) {
            return found_of(read.error(), why);
        }
        if (!*read) {
            return found::end;
        }
        const auto& part = **read;
        to.first_line = to.last_line = part.line;
        const bool is_skipped = part.line <= skip_lines_;
        if (!part.is_end) {
            const auto long_line = skip_long_line(part, to, why);
            if (is_skipped && long_line == found::bad_line) {
                continue;
            }
            return long_line;
        }
        const auto text = trimmed(part.line == 1 ? without_mark(part.text) : part.text);
        if (is_skipped || text.empty()) {
            continue;
        }
        if (text.size() > detail::max_json_bytes) {
            why = too_long(text.size());
            return found::bad_line;
        }
        if (parse(text, to, why)) {
            return found::row;
        }
        if (!part.has_line_feed) {
            why += "; the input ends here, without a line feed";
        }
        return found::bad_line;
    }
}

found json_rows::skip_long_line(line_reader::part part, row& to, std::string& why) {
    std::uint64_t bytes = part.text.size();
    while (!part.is_end) {
        const auto read = lines_.next();
        if (!read) {
            return found_of(read.error(), why);
        }
        part = **read; // the end of a line always comes
        bytes += part.text.size();
    }
    to.last_line = part.line;
    why = too_long(bytes);
    return found::bad_line;
}

bool json_rows::parse(std::string_view text, row& to, std::string& why) {
    dom::element root;
    to.json = text;
    to.is_flat = true;
    auto error = parser_.parse(text.data(), text.size(), false).get(root);
    if (error == simdjson::UTF8_ERROR) { // the exporter repairs and counts it (D-4.4)
        to.is_flat = false;
        repaired_.clear();
        append_utf8(text, repaired_);
        repaired_.reserve(repaired_.size() + json_padding_bytes);
        error = parser_.parse(repaired_.data(), repaired_.size(), false).get(root);
    }
    if (error != simdjson::SUCCESS) {
        why = no_json(text, error);
        return false;
    }
    dom::object object;
    if (root.get(object) != simdjson::SUCCESS) {
        why = root.is_array() ? "a JSON array; one object a line is wanted"
                              : "no JSON object; one a line is wanted";
        return false;
    }
    return take_members(object, to, why);
}

bool json_rows::take_members(const dom::object& object, row& to, std::string& why) {
    to.fields.clear();
    elements_.clear();
    for (const auto [name, element] : object) {
        to.fields.push_back({name, value_of(element)});
        elements_.push_back(element);
        if (std::holds_alternative<nested>(to.fields.back().what)) {
            to.is_flat = false;
            if (is_too_deep(element, 2)) {
                why = fmt::format(
                    "objects and arrays stand in one another more than {} deep",
                    detail::max_levels);
                return false;
            }
        }
    }
    to.chosen.clear();
    for (const auto& column : columns_) {
        to.chosen.push_back(look_up(column, to));
    }
    return true;
}

// Of a name that stands twice the later one counts, as for what is sent.
value json_rows::look_up(std::string_view column, const row& in) const {
    for (auto i = in.fields.size(); i-- != 0;) {
        if (in.fields[i].name == column) {
            return in.fields[i].what;
        }
    }
    for (auto dot = column.find('.'); dot != column.npos; dot = column.find('.', dot + 1)) {
        for (auto i = in.fields.size(); i-- != 0;) {
            if (in.fields[i].name == column.substr(0, dot)) {
                auto inner = value_below(elements_[i], column.substr(dot + 1));
                if (!std::holds_alternative<missing>(inner)) {
                    return inner;
                }
                break;
            }
        }
    }
    return missing{};
}

} // namespace monarc::send
