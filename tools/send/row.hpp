#pragma once

// What one line of NDJSON, or one row of CSV, comes to before it is a record.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace monarc::send {

struct missing {}; // not there, or an empty cell
struct nested {};  // an object or array: it is sent, but it is no id, time, value or dimension

using value = std::variant<
    missing,
    nested,
    std::nullptr_t,
    bool,
    std::int64_t,
    std::uint64_t,
    double,
    std::string_view>;

struct field {
    std::string_view name;
    value what;
};

struct row {
    std::uint64_t first_line = 0;
    std::uint64_t last_line = 0; // a quoted cell may go over several
    std::vector<field> fields;
    std::vector<value> chosen; // of the columns that were asked for, in their order
    std::string_view json;     // the text as it came; empty: there is none, it was CSV
    bool is_flat = true;       // nothing nested, and `json` is UTF-8: the fields say all
};

enum class found { row, bad_line, end, interrupted, failed };

// Where rows come from.
class row_source {
public:
    virtual ~row_source() = default;

    // What `to` refers to holds until the next call. Of a bad line it says which lines, and `why`
    // what is wrong with them; of failed, why the input could not be read.
    virtual found next(row& to, std::string& why) = 0;
};

} // namespace monarc::send
