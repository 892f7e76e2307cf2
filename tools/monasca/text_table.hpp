#pragma once

// Tables as PrettyTable 3 draws them with everything to the left. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace monarc::tool {

class text_table {
public:
    explicit text_table(std::vector<std::string> head) : head_(std::move(head)) {}

    // As many cells as there are heads; a cell may have several lines.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    // Without rows one empty line.
    std::string drawn() const;
    // One row a line, cells with blanks between, without heads.
    std::string as_values() const;
    std::string as_csv() const;

private:
    std::vector<std::string> head_;
    std::vector<std::vector<std::string>> rows_;
};

// How many cells of a terminal a line takes: 2 for wide characters, 0 for combining ones and escape
// sequences of colours; -1 with a control character in it, as PrettyTable counts.
int cells_of(std::string_view line);

} // namespace monarc::tool
