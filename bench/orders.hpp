#pragma once

// Records of four fields, about 186 bytes of MessagePack each with their event around them. Four
// neighbours have no key in common, so that they can be merged.

#include "samples.hpp"

#include <monarc/monarc.hpp>

#include <cstddef>

namespace monarc::bench {

template <class Target>
bool push_order(exporter& to, const Target& run, std::size_t part, const sample_order& o) {
    using namespace monarc::literals;
    switch (part % 4) {
    case 0:
        return to.push(
            run,
            "limit_price"_key = o.price,
            "order_quantity"_key = o.quantity,
            "model_score"_key = o.score,
            "execution_venue"_key = o.venue);
    case 1:
        return to.push(
            run,
            "filled_price"_key = o.price,
            "filled_quantity"_key = o.quantity,
            "filled_score"_key = o.score,
            "filled_at_venue"_key = o.venue);
    case 2:
        return to.push(
            run,
            "hedged_price"_key = o.price,
            "hedged_quantity"_key = o.quantity,
            "hedged_score"_key = o.score,
            "hedged_at_venue"_key = o.venue);
    default:
        return to.push(
            run,
            "closed_price"_key = o.price,
            "closed_quantity"_key = o.quantity,
            "closed_score"_key = o.score,
            "closed_at_venue"_key = o.venue);
    }
}

} // namespace monarc::bench
