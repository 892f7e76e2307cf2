#include "send/cell_value.hpp"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace monarc::send {
namespace {

std::size_t skip_digits(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        ++at;
    }
    return at;
}

enum class form { none, whole, real };

// RFC 8259 section 6.
form number_form(std::string_view text) noexcept {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    auto at = skip_digits(text, first);
    if (at == first || (text[first] == '0' && at != first + 1)) {
        return form::none;
    }
    auto is = form::whole;
    if (at < text.size() && text[at] == '.') {
        const auto digits = at + 1;
        at = skip_digits(text, digits);
        is = at != digits ? form::real : form::none;
    }
    if (is != form::none && at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        at += at < text.size() && (text[at] == '+' || text[at] == '-') ? 1 : 0;
        const auto digits = at;
        at = skip_digits(text, digits);
        is = at != digits ? form::real : form::none;
    }
    return at == text.size() ? is : form::none;
}

template <class Number>
bool read(std::string_view text, Number& to) noexcept {
    return std::from_chars(text.data(), text.data() + text.size(), to).ec == std::errc();
}

} // namespace

value cell_value(std::string_view cell) noexcept {
    if (cell.empty()) {
        return missing{};
    }
    const auto first = cell.front();
    if (first != '-' && (first < '0' || first > '9')) {
        if (cell == "true" || cell == "false") {
            return first == 't';
        }
        return cell;
    }
    switch (number_form(cell)) {
    case form::none: break;
    case form::whole: {
        std::int64_t integer = 0;
        std::uint64_t natural = 0;
        if (read(cell, integer)) {
            return integer;
        }
        if (first != '-' && read(cell, natural)) {
            return natural;
        }
        break;
    }
    case form::real: {
        double real = 0.0;
        if (read(cell, real)) {
            return real;
        }
    }
    }
    return cell;
}

std::optional<double> number_of(const value& what) noexcept {
    if (const auto* const text = std::get_if<std::string_view>(&what)) {
        const auto read = cell_value(*text);
        return std::holds_alternative<std::string_view>(read) ? std::nullopt : number_of(read);
    }
    if (const auto* const real = std::get_if<double>(&what)) {
        return *real;
    }
    if (const auto* const integer = std::get_if<std::int64_t>(&what)) {
        return static_cast<double>(*integer);
    }
    if (const auto* const natural = std::get_if<std::uint64_t>(&what)) {
        return static_cast<double>(*natural);
    }
    return std::nullopt;
}

} // namespace monarc::send
