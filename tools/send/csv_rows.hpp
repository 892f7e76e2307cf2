#pragma once

// CSV with a header row. Columns without a name are called column_1, column_2, …, after their
// place.

#include "send/csv_row.hpp"
#include "send/line_reader.hpp"
#include "send/row.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace monarc::send {

struct csv_options {
    char delimiter = ',';
    std::vector<std::string> columns{};      // to be chosen; their cells come as text
    std::vector<std::string> text_columns{}; // whose cells are texts, whatever they look like
    bool is_all_text = false;
    std::uint64_t skip_lines = 0; // rows that begin in one of these are passed over
};

class csv_rows final : public row_source {
public:
    csv_rows(line_reader& lines, csv_options options);

    // First of all. Returns: found::row; bad_line if the header is none, or lacks a column.
    found read_header(std::string& why);

    found next(row& to, std::string& why) override;

private:
    found read_row(row& to, std::string& why);
    std::string take_header();
    std::optional<std::size_t> place_of(std::string_view column) const;
    std::string no_column(std::string_view column) const;

    line_reader& lines_;
    csv_options options_;
    csv_row row_;
    std::vector<std::string> names_;
    std::unordered_map<std::string_view, std::size_t> places_; // by name, of names_
    std::vector<std::size_t> chosen_;                          // places of the columns
    std::vector<bool> is_text_;
};

} // namespace monarc::send
