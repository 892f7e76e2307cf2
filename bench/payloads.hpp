#pragma once

// Batches and their encoded events, made by the stages themselves.

#include "aggregate/aggregator.hpp"
#include "core/batch.hpp"

#include <cstddef>
#include <string>

namespace monarc::bench {

// A batch of `records` records of four fields; `merged` neighbours go to one context of a 36-byte
// id. Returns: the aggregator that holds it.
aggregate::aggregator batch_of(std::size_t records, std::size_t merged);

// About that many bytes of encoded events, each of one record.
std::string events_of(std::size_t bytes);

} // namespace monarc::bench
