#pragma once

// Values of records as JSON, which has no number that is not finite: a member of an object that is,
// or that holds one outside of a further object, is left out.

#include "core/fields.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::encode {

struct json_value_counts {
    std::uint64_t utf8_repaired = 0; // texts
    std::uint64_t not_finite = 0;    // members of objects that were left out
};

// Appends the value of a field. `s`: the shape whose field it is, null in the self-described form.
// Returns: false if it is not finite; then nothing was appended.
bool put_json_field(
    std::string& out,
    const shape* s,
    std::string_view body,
    const field_view& field,
    json_value_counts& counts);

} // namespace monarc::encode
