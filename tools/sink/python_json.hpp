#pragma once

// JSON as Python's json module reads and writes it, because that is what a Monasca API is made of:
// NaN and infinities are numbers, integers have any size, of equal keys the last counts.

#include "core/result.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink::python {

enum class kind { none, boolean, integer, number, text, list, object };

struct member;

// One value; views go to the document that holds it.
struct value {
    python::kind kind = python::kind::none;
    std::string_view text{};     ///< A text's content; else the token as it came.
    std::vector<member> members; ///< Of a list or an object, keys of a list are empty.

    const value* find(std::string_view key) const noexcept;
};

struct member {
    std::string_view key{};
    value held{};
};

// A number as a double; infinite beyond the range.
double to_double(const value& v);

class document {
public:
    // Limits that Python has not, or elsewhere (its recursion ends near 1000).
    static constexpr int max_depth = 200;
    static constexpr std::size_t max_values = std::size_t{1} << 20;

    // Fails: errc::bad_data if it is no JSON; errc::too_large beyond max_values.
    static result<document> read(std::string_view json);

    const value& root() const noexcept { return root_; }
    bool has_repeated_keys() const noexcept { return has_repeated_keys_; }

private:
    struct source; // the text and what its strings were unescaped into
    std::shared_ptr<source> source_;
    value root_;
    bool has_repeated_keys_ = false;
};

// The name of its type: NoneType, bool, int, float, str, list, dict.
std::string_view type_name(kind k) noexcept;

// What str() makes of it.
std::string to_text(const value& v);

// What repr() makes of a str.
std::string quoted(std::string_view text);

// How long json.dumps() is, everything outside of ASCII escaped.
std::size_t dumped_length(const value& v);

// Of valid UTF-8.
std::size_t count_code_points(std::string_view text) noexcept;
std::size_t count_utf16_units(std::string_view text) noexcept;

// Compact JSON, for what is stored and shown.
std::string to_json(const value& v);

} // namespace monarc::sink::python
