#pragma once

// What rows are made into: records of contexts for Mona, values of series for Monasca.

#include "send/row.hpp"

#include <monarc/exporter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace monarc::send {

class target {
public:
    virtual ~target() = default;

    // Takes a row, which must stay until it was pushed. Returns: what is wrong with it; empty if
    // nothing is.
    virtual std::string prepare(const row& r) = 0;

    // Hands the row over; again, if it was rejected.
    virtual bool push(exporter& to) = 0;

    // What the row takes while it waits, at most.
    virtual std::size_t cost_bytes() const noexcept = 0;

    // As it would go out, in JSON.
    virtual std::string shown() = 0;

    // Characters that were replaced because the receiver would refuse them.
    virtual std::uint64_t repaired() const noexcept { return 0; }
};

} // namespace monarc::send
