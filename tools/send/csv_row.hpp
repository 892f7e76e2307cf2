#pragma once

// One row of CSV (RFC 4180), put together from lines, or parts of them, as they come. A quote
// inside of a cell that does not begin with one stands for itself.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::send {

class csv_row {
public:
    explicit csv_row(char delimiter, std::size_t max_bytes) noexcept
        : delimiter_(delimiter), max_bytes_(max_bytes) {}

    void clear() noexcept;

    // Text of a line, without its line feed.
    void add(std::string_view part);

    // The line is over. Returns: whether the row is; else a quoted cell goes on in the next line.
    bool end_line(bool has_line_feed);

    // Once it is over. Empty: nothing is wrong.
    std::string_view why() const noexcept { return why_; }
    std::size_t bytes() const noexcept { return bytes_; }
    // Hold until the row is cleared.
    const std::vector<std::string_view>& cells() const noexcept { return cells_; }
    bool is_blank() const noexcept {
        return cells_.size() == 1 && cells_[0].empty() && !had_quotes_;
    }

private:
    enum class place {
        begin,  // of a cell
        plain,  // inside of one
        quoted, // inside of quotes
        quote,  // behind a quote inside of quotes: its end, or half of a pair
        behind, // behind a carriage return that follows the closing quote
    };

    std::size_t add_plain(std::string_view part, std::size_t at);
    std::size_t add_quoted(std::string_view part, std::size_t at);
    void add_behind_quote(char c);
    void keep(std::string_view text);
    void end_cell();

    char delimiter_;
    std::size_t max_bytes_;
    place place_ = place::begin;
    std::string text_; // of all cells, without quotes
    std::size_t bytes_ = 0;
    std::vector<std::size_t> ends_;
    std::vector<std::string_view> cells_;
    std::string_view why_;
    bool had_quotes_ = false;
};

} // namespace monarc::send
