#include "send/csv_rows.hpp"

#include "core/option_value.hpp"
#include "send/cell_value.hpp"
#include "send/text_of_input.hpp"

#include <monarc/detail/slot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace monarc::send {
namespace {

// Where lines end in carriage returns alone all of the file is one line, and would be the header.
bool has_lone_return(std::string_view cell) {
    for (auto at = cell.find('\r'); at != cell.npos; at = cell.find('\r', at + 1)) {
        if (cell.substr(at + 1, 1) != "\n") {
            return true;
        }
    }
    return false;
}

} // namespace

csv_rows::csv_rows(line_reader& lines, csv_options options)
    : lines_(lines), options_(std::move(options)),
      row_(options_.delimiter, detail::max_json_bytes) {}

// Blank lines are passed over; the header is line 1 or the first that is not blank.
found csv_rows::read_row(row& to, std::string& why) {
    row_.clear();
    bool is_begun = false;
    while (true) {
        const auto read = lines_.next();
        if (!read) {
            return found_of(read.error(), why);
        }
        if (!*read) {
            if (!is_begun) {
                return found::end;
            }
            row_.end_line(false); // inside of quotes
            break;
        }
        const auto& part = **read;
        if (!std::exchange(is_begun, true)) {
            to.first_line = part.line;
        }
        to.last_line = part.line;
        row_.add(part.line == 1 && part.is_begin ? without_mark(part.text) : part.text);
        if (!part.is_end || !row_.end_line(part.has_line_feed)) {
            continue;
        }
        if (!row_.is_blank()) {
            break;
        }
        row_.clear();
        is_begun = false;
    }
    why = row_.why();
    if (why.empty() && row_.bytes() > detail::max_json_bytes) {
        why = too_long(row_.bytes());
    }
    return why.empty() ? found::row : found::bad_line;
}

std::optional<std::size_t> csv_rows::place_of(std::string_view column) const {
    const auto at = places_.find(column);
    return at != places_.end() ? std::optional(at->second) : std::nullopt;
}

std::string csv_rows::no_column(std::string_view column) const {
    constexpr std::size_t most_shown = 20;
    std::string names;
    for (std::size_t i = 0; i < std::min(names_.size(), most_shown); ++i) {
        names += names.empty() ? "" : ", ";
        names += quoted(names_[i]);
    }
    names += names_.size() > most_shown ? ", …" : "";
    return fmt::format(
        "there is no column {}; the header has {}{}",
        quoted(column),
        names,
        names_.size() == 1 ? "; --delimiter says what stands between cells" : "");
}

std::string csv_rows::take_header() {
    names_.reserve(row_.cells().size()); // places_ refers to them
    for (const auto cell : row_.cells()) {
        if (has_lone_return(cell)) {
            return fmt::format(
                "a carriage return in {}; lines must end in LF or CRLF", quoted(cell));
        }
        const auto& name = names_.emplace_back(
            cell.empty() ? fmt::format("column_{}", names_.size() + 1) : std::string(cell));
        if (!places_.emplace(name, names_.size() - 1).second) {
            return fmt::format("two columns have the name {}; rename one", quoted(name));
        }
    }
    for (const auto& column : options_.columns) {
        const auto place = place_of(column);
        if (!place) {
            return no_column(column);
        }
        chosen_.push_back(*place);
    }
    is_text_.assign(names_.size(), options_.is_all_text);
    for (const auto& column : options_.text_columns) {
        const auto place = place_of(column);
        if (!place) {
            return no_column(column);
        }
        is_text_[*place] = true;
    }
    return {};
}

found csv_rows::read_header(std::string& why) {
    row header;
    const auto read = read_row(header, why);
    if (read == found::row) {
        why = take_header();
        return why.empty() ? found::row : found::bad_line;
    }
    return read;
}

found csv_rows::next(row& to, std::string& why) {
    auto read = found::row;
    do {
        read = read_row(to, why);
    } while ((read == found::row || read == found::bad_line) &&
             to.first_line <= options_.skip_lines);
    if (read != found::row) {
        return read;
    }
    const auto& cells = row_.cells();
    if (cells.size() != names_.size()) {
        why = fmt::format(
            "{} cell{}, but the header has {}",
            cells.size(),
            cells.size() == 1 ? "" : "s",
            names_.size());
        return found::bad_line;
    }
    to.json = {};
    to.is_flat = true;
    to.fields.clear();
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (!cells[i].empty()) {
            to.fields.push_back({names_[i], is_text_[i] ? value(cells[i]) : cell_value(cells[i])});
        }
    }
    to.chosen.clear();
    for (const auto place : chosen_) {
        to.chosen.push_back(cells[place].empty() ? value(missing{}) : value(cells[place]));
    }
    return found::row;
}

} // namespace monarc::send
