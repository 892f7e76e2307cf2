#pragma once

#include "core/outcome.hpp"
#include "core/payload.hpp"

#include <algorithm>
#include <cstdint>

namespace monarc::delivery {

// How a failure may be the payload's own.
enum class symptom : std::uint8_t {
    none,
    silence, // written, then the connection ended or nothing came (D-7.6)
    error,   // 500 (D-7.3)
};

inline symptom symptom_of(const outcome& failed) noexcept {
    return failed.was_internal_error                    ? symptom::error
           : failed.was_written && !failed.was_answered ? symptom::silence
                                                        : symptom::none;
}

// In a row for one payload, before it is suspected.
inline std::uint32_t strikes_for_suspicion(symptom of) noexcept {
    return of == symptom::error ? 8 : 3;
}

// A receiver that fails at random fails thrice over one payload while another passes, now and then.
// A cut loses nothing by that; before what cannot be cut is given up, others pass it this often.
constexpr std::uint32_t passes_for_verdict = 12;

inline bool can_be_cut(const payload& p) {
    return std::count_if(p.entry_records.begin(), p.entry_records.end(), [](std::uint32_t n) {
               return n != 0;
           }) > 1;
}

} // namespace monarc::delivery
