#include "monasca/text_table.hpp"

#include "core/utf8.hpp"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <cstdint>

namespace monarc::tool {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

// The C library's widths, whatever the locale of the process is.
int width_of(wchar_t c) {
    static const auto utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr));
    if (utf8 == static_cast<locale_t>(nullptr)) {
        return 1;
    }
    const auto before = ::uselocale(utf8);
    const int width = ::wcwidth(c);
    ::uselocale(before);
    return width < 0 ? 1 : width; // it does not know the newest characters
}

// The code point at the front of valid UTF-8, which is taken off.
char32_t take_code_point(std::string_view& text) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t c = bytes == 1 ? first : first & (0xffu >> (bytes + 1));
    for (std::size_t i = 1; i < bytes && i < text.size(); ++i) {
        c = (c << 6) | (static_cast<std::uint8_t>(text[i]) & 0x3fu);
    }
    text.remove_prefix(std::min(bytes, text.size()));
    return c;
}

// `ESC [ 1 ; 31 m` and `ESC ( B`.
bool take_escape(std::string_view& text) {
    if (text.starts_with("\033(B")) {
        text.remove_prefix(3);
        return true;
    }
    if (!text.starts_with("\033[")) {
        return false;
    }
    const auto end = text.find_first_not_of("0123456789;", 2);
    if (end == text.npos || text[end] != 'm') {
        return false;
    }
    text.remove_prefix(end + 1);
    return true;
}

void append_padded(std::string& out, std::string_view text, int width) {
    out += ' ';
    out += text;
    out.append(static_cast<std::size_t>(std::max(width - cells_of(text), 0)) + 1, ' ');
    out += '|';
}

std::string on_one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

void append_csv(std::string& out, const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        out += i == 0 ? "" : ",";
        const auto& cell = cells[i];
        if (cell.find_first_of(",\"\r\n") == cell.npos) {
            out += cell;
            continue;
        }
        out += '"';
        for (const char c : cell) {
            out.append(c == '"' ? 2 : 1, c);
        }
        out += '"';
    }
    out += '\n';
}

} // namespace

int cells_of(std::string_view line) {
    int cells = 0;
    while (!line.empty()) {
        if (take_escape(line)) {
            continue;
        }
        const auto c = take_code_point(line);
        if (c >= 0x80) {
            if (c < 0xa0) {
                return -1;
            }
            cells += width_of(static_cast<wchar_t>(c));
        } else if (c != 0) {
            if (c < 0x20 || c == 0x7f) {
                return -1;
            }
            ++cells;
        }
    }
    return cells;
}

std::string text_table::drawn() const {
    if (rows_.empty()) {
        return "\n";
    }
    std::vector<int> widths;
    for (const auto& head : head_) {
        widths.push_back(std::max(cells_of(head), 0));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            for (const auto line : lines_of(row[i])) {
                widths[i] = std::max(widths[i], cells_of(line));
            }
        }
    }
    std::string rule = "+";
    for (const auto width : widths) {
        rule.append(static_cast<std::size_t>(width) + 2, '-');
        rule += '+';
    }
    rule += '\n';
    std::string out = rule + "|";
    for (std::size_t i = 0; i < head_.size(); ++i) {
        append_padded(out, head_[i], widths[i]);
    }
    out += '\n' + rule;
    for (const auto& row : rows_) {
        std::vector<std::vector<std::string_view>> cells;
        std::size_t height = 1;
        for (const auto& cell : row) {
            cells.push_back(lines_of(cell));
            height = std::max(height, cells.back().size());
        }
        for (std::size_t line = 0; line < height; ++line) {
            out += '|';
            for (std::size_t i = 0; i < widths.size(); ++i) {
                append_padded(out, line < cells[i].size() ? cells[i][line] : "", widths[i]);
            }
            out += '\n';
        }
    }
    return out + rule;
}

std::string text_table::as_values() const {
    std::string out;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += i == 0 ? "" : " ";
            out += on_one_line(row[i]);
        }
        out += '\n';
    }
    return out;
}

std::string text_table::as_csv() const {
    std::string out;
    append_csv(out, head_);
    for (const auto& row : rows_) {
        append_csv(out, row);
    }
    return out;
}

} // namespace monarc::tool
