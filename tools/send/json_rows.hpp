#pragma once

// NDJSON: an object a line. Empty lines are passed over.

#include "send/line_reader.hpp"
#include "send/row.hpp"

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::send {

class json_rows final : public row_source {
public:
    // A column is the name of a member; `a.b` is also the member b of the member a. Lines up to
    // `skip_lines` are passed over.
    json_rows(line_reader& lines, std::vector<std::string> columns, std::uint64_t skip_lines = 0);

    found next(row& to, std::string& why) override;

private:
    found skip_long_line(line_reader::part part, row& to, std::string& why);
    bool parse(std::string_view text, row& to, std::string& why);
    bool take_members(const simdjson::dom::object& object, row& to, std::string& why);
    value look_up(std::string_view column, const row& in) const;

    line_reader& lines_;
    std::vector<std::string> columns_;
    std::uint64_t skip_lines_;
    simdjson::dom::parser parser_;
    std::vector<simdjson::dom::element> elements_; // of the row's fields
    std::string repaired_;
};

} // namespace monarc::send
