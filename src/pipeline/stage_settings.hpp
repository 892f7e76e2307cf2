#pragma once

// What the exporter's options come to for the queue, the stages and their destinations.

#include "delivery/delivery.hpp"
#include "encode/json_reader.hpp"
#include "queue/record_queue.hpp"

#include <monarc/options.hpp>

#include <cstddef>

namespace monarc::pipeline {

inline constexpr std::size_t most_slots_a_pass = 16'384;

// Of each thread, however many there are. Three times that is copied at most (reserve_of), and
// fits the credit that D-2.5 grants beside memory_limit.
inline constexpr std::size_t least_slots_a_thread = queue::block_slots / 4;

// How memory_limit is shared out (D-2.5). The queue may take all but a reserve; it never gives back
// what it took, so the reserve must do for all others: an eighth for what a pass over the queue
// copies, which may take three times that, a quarter each for contexts and for what is in flight,
// an eighth for what is collected of series. What nobody holds is for contexts, series and payloads
// that wait.
std::size_t reserve_of(const exporter_options& o);
std::size_t slots_a_pass(const exporter_options& o);

batch_options batch_options_of(const exporter_options& o);
batch_options monasca_batch_of(const exporter_options& o);

delivery::delivery_settings forward_delivery_of(const exporter_options& o);
delivery::delivery_settings rest_delivery_of(const exporter_options& o);
delivery::delivery_settings monasca_delivery_of(const exporter_options& o);

// How deep JSON for Mona's REST interface may be nested, which sets no bound of its own.
inline constexpr std::size_t rest_json_levels = 512;

// What reaches Mona as JSON need not fit MessagePack.
encode::json_dialect dialect_of(const exporter_options& o);

} // namespace monarc::pipeline
