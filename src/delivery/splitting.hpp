#pragma once

#include "core/payload.hpp"

#include <algorithm>
#include <cstdint>

namespace monarc::delivery {

constexpr std::uint32_t strikes_for_suspicion = 3; // D-7.6

// A receiver that fails at random fails thrice over one payload while another passes, now and then.
// A cut loses nothing by that; before what cannot be cut is given up, others pass it this often.
constexpr std::uint32_t passes_for_verdict = 12;

inline bool can_be_cut(const payload& p) {
    return std::count_if(p.entry_records.begin(), p.entry_records.end(), [](std::uint32_t n) {
               return n != 0;
           }) > 1;
}

} // namespace monarc::delivery
