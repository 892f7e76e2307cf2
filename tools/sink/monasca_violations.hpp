#pragma once

// What Monasca's API takes with a 204 and what then hurts behind it: the persister, the store, the
// threshold engine, or another server of the same interface. monarc must never send it.

#include "sink/python_json.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

enum class violation {
    // These end the persister of a whole cloud.
    newline,          ///< In a name, or in a dimension's key or value.
    time_key,         ///< A dimension of that name.
    timestamp_range,  ///< Outside of 64 bits of nanoseconds.
    series_too_large, ///< Name and dimensions beyond 64 KiB.
    // These lose or distort what was sent.
    timestamp_kind,   ///< No integer: NaN is dropped, fractions are cut.
    timestamp_window, ///< Older than 14 days or more than 2 minutes ahead: the stricter API's 422.
    field_key,        ///< A dimension `value` or `value_meta`.
    value_kind,       ///< true or false.
    control,          ///< Another control character in a name, key or value.
    stricter_api,     ///< ( ) or | in a dimension, beyond 255 UTF-16 units, white space around.
    extra_member,     ///< Stops alarms: the threshold engine refuses it.
    meta_kind,        ///< A value_meta that is no text.
    repeated_member,  ///< Of two equal keys one is lost.
    dimension_limit,  ///< More than 32 dimensions, or 16 KiB of them.
    // These are about a whole request.
    empty_batch,
    large_batch, ///< More than 1000 metrics, or 1 MiB.
    bad_tenant,  ///< tenant_id more than once, or not 32 hexadecimal digits.
    expect,      ///< Expect: 100-continue: some servers never answer it.
};
inline constexpr std::size_t violation_count = static_cast<std::size_t>(violation::expect) + 1;

std::string_view name(violation v) noexcept;

struct found_violation {
    violation what{};
    std::string detail{};
    std::size_t metric = 0; ///< Its place in the body.
};

// Of the metrics of a body that the API accepted, and of their number.
std::vector<found_violation>
find_violations(const python::value& body, std::size_t body_bytes, std::int64_t now_milliseconds);

// Whether a point with it can be stored at all.
bool is_storable(violation v) noexcept;

} // namespace monarc::sink
