#include "pipeline/stage_settings.hpp"

#include "destinations/monasca.hpp"
#include "queue/record_queue.hpp"

#include <algorithm>
#include <chrono>
#include <variant>

namespace monarc::pipeline {
using namespace std::chrono_literals;

namespace {

// The table on top of delivery.md: where a number differs from an option, sizes take the smaller
// and waits the larger.
constexpr std::size_t monasca_records = 500;
constexpr std::size_t monasca_bytes = std::size_t{1} << 20;
constexpr auto http_first_wait = 1s;
constexpr auto http_longest_wait = 60s;

// Waits of what speaks HTTP.
delivery::delivery_settings http_delivery_of(const exporter_options& o) {
    auto settings = forward_delivery_of(o);
    settings.retry.min_wait =
        std::max<std::chrono::milliseconds>(o.retry.min_wait, http_first_wait);
    settings.retry.max_wait =
        std::max<std::chrono::milliseconds>(o.retry.max_wait, http_longest_wait);
    return settings;
}

} // namespace

std::size_t reserve_of(const exporter_options& o) {
    constexpr std::size_t usual = std::size_t{2} << 20; // a few batches of the default size
    const auto most = o.memory_limit - o.queue.capacity * detail::slot_bytes;
    const auto wanted = std::max(o.memory_limit / 5, std::min(usual, o.memory_limit / 16 * 7));
    return std::min(wanted, most);
}

std::size_t slots_a_pass(const exporter_options& o) {
    return std::clamp(
        reserve_of(o) / 8 / detail::slot_bytes, queue::block_slots, most_slots_a_pass);
}

batch_options batch_options_of(const exporter_options& o) {
    auto batch = o.batch;
    batch.max_bytes = std::min(batch.max_bytes, o.memory_limit / 8);
    return batch;
}

batch_options monasca_batch_of(const exporter_options& o) {
    auto batch = o.batch;
    batch.max_records = std::min(batch.max_records, monasca_records);
    batch.max_bytes = std::min(batch.max_bytes, monasca_bytes);
    return batch;
}

delivery::delivery_settings forward_delivery_of(const exporter_options& o) {
    return {.retry = o.retry, .max_in_flight_bytes = reserve_of(o) / 4};
}

delivery::delivery_settings rest_delivery_of(const exporter_options& o) {
    auto settings = http_delivery_of(o);
    settings.max_in_flight = 1;
    settings.max_payload_bytes = batch_options_of(o).max_bytes;
    return settings;
}

delivery::delivery_settings monasca_delivery_of(const exporter_options& o) {
    auto settings = http_delivery_of(o);
    settings.max_in_flight = destinations::monasca::max_connections;
    settings.is_ordered = false;
    settings.max_payload_bytes = monasca_batch_of(o).max_bytes;
    return settings;
}

encode::json_dialect dialect_of(const exporter_options& o) {
    encode::json_dialect dialect;
    if (std::holds_alternative<mona_rest_options>(o.mona)) {
        dialect.takes_any_integer = true;
        dialect.keeps_reserved = true;
        dialect.max_levels = rest_json_levels;
    }
    return dialect;
}

} // namespace monarc::pipeline
