#include "send/bad_line.hpp"

#include "core/option_value.hpp"

#include <fmt/format.h>

#include <variant>

namespace monarc::send {

std::string lines_of(const row& r) {
    return r.first_line == r.last_line ? fmt::format("{}", r.first_line)
                                       : fmt::format("{}-{}", r.first_line, r.last_line);
}

bool is_absent(const value& what) noexcept {
    return std::holds_alternative<missing>(what) || std::holds_alternative<std::nullptr_t>(what);
}

std::string not_there(std::string_view column, std::string_view option) {
    return fmt::format("{}, the column of {}, is empty or not there", quoted(column), option);
}

std::string too_many_bad(const std::string& file, std::uint64_t max_bad) {
    return fmt::format(
        "send: {}: more than {} bad lines: stopped; --max-bad says how many are too many",
        file,
        max_bad);
}

} // namespace monarc::send
