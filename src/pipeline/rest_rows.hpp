#pragma once

// A record as it comes off the queue becomes a row of Mona's REST interface: whose it is, and its
// fields as JSON.
//
// Threads: the I/O thread only.

#include "core/fields.hpp"
#include "core/record_view.hpp"
#include "core/rest_batch.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::pipeline {

class rest_rows {
public:
    // Whose it is, without fields; holds until the next call. The record has a shape.
    const rest_row& begin(const record_view& record);
    // And its fields. Throws std::bad_alloc.
    const rest_row& finish(const record_view& record);

    // Of a record that is not finished.
    static std::uint64_t field_count(const record_view& record);

    std::uint64_t utf8_repaired() const noexcept { return repaired_; }
    // Members of objects in a field that were left out, because they are not finite.
    std::uint64_t not_finite_inside() const noexcept { return not_finite_inside_; }
    std::size_t memory_bytes() const noexcept {
        return json_.capacity() + row_.fields.capacity() * sizeof(rest_field);
    }

private:
    rest_row row_;
    std::string id_;   // repaired
    std::string json_; // the values, one after the other
    std::vector<std::size_t> ends_;
    std::uint64_t repaired_ = 0;
    std::uint64_t not_finite_inside_ = 0;
};

// Nanoseconds since 1970 as an exportTimestamp: a whole second as seconds, another time as
// milliseconds, unless these have not the 13 digits that a server knows them by.
std::int64_t rest_time_of(std::int64_t nanoseconds) noexcept;

} // namespace monarc::pipeline
