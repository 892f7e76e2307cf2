#include "send/csv_row.hpp"

#include <algorithm>

namespace monarc::send {

void csv_row::clear() noexcept {
    place_ = place::begin;
    text_.clear();
    bytes_ = 0;
    ends_.clear();
    cells_.clear();
    why_ = {};
    had_quotes_ = false;
}

// Beyond the limit nothing is kept, but quotes are followed to where the row ends.
void csv_row::keep(std::string_view text) {
    bytes_ += text.size();
    if (bytes_ <= max_bytes_) {
        text_ += text;
    }
}

void csv_row::end_cell() {
    ends_.push_back(text_.size());
    place_ = place::begin;
}

void csv_row::add(std::string_view part) {
    for (std::size_t at = 0; at < part.size();) {
        switch (place_) {
        case place::begin:
            if (part[at] == '"') {
                place_ = place::quoted;
                had_quotes_ = true;
                ++at;
                break;
            }
            place_ = place::plain;
            [[fallthrough]];
        case place::plain: at = add_plain(part, at); break;
        case place::quoted: at = add_quoted(part, at); break;
        case place::quote:
        case place::behind: add_behind_quote(part[at++]);
        }
    }
}

std::size_t csv_row::add_plain(std::string_view part, std::size_t at) {
    const auto end = std::min(part.find(delimiter_, at), part.size());
    keep(part.substr(at, end - at));
    if (end == part.size()) {
        return end;
    }
    end_cell();
    ++bytes_;
    return end + 1;
}

std::size_t csv_row::add_quoted(std::string_view part, std::size_t at) {
    const auto end = std::min(part.find('"', at), part.size());
    keep(part.substr(at, end - at));
    if (end == part.size()) {
        return end;
    }
    place_ = place::quote;
    return end + 1;
}

void csv_row::add_behind_quote(char c) {
    if (place_ == place::quote && c == '"') {
        keep("\"");
        place_ = place::quoted;
    } else if (c == delimiter_ && place_ == place::quote) {
        end_cell();
        ++bytes_;
    } else if (c == '\r' && place_ == place::quote) {
        place_ = place::behind;
    } else {
        why_ = "text behind the closing quote of a cell";
        place_ = place::plain;
    }
}

bool csv_row::end_line(bool has_line_feed) {
    if (place_ == place::quoted) {
        if (has_line_feed) {
            keep("\n");
            return false;
        }
        why_ = "a quote is opened and never closed";
    }
    if (place_ == place::plain && text_.ends_with('\r')) {
        text_.pop_back();
    }
    end_cell();
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const auto begin = i == 0 ? 0 : ends_[i - 1];
        cells_.push_back(std::string_view(text_).substr(begin, ends_[i] - begin));
    }
    return true;
}

} // namespace monarc::send
