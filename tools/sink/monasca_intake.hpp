#pragma once

// POST /v2.0/metrics of the sink's Monasca: what is taken, kept and counted. Knows no socket and no
// clock.

#include "sink/exact_sum.hpp"
#include "sink/http_message.hpp"
#include "sink/monasca_call.hpp"
#include "sink/monasca_options.hpp"
#include "sink/monasca_query.hpp"
#include "sink/monasca_store.hpp"
#include "sink/monasca_summary.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace monarc::sink {

// Threads: one at a time.
class monasca_intake {
public:
    /// Called for what was stored, with the moment when it arrived.
    using stored_function =
        std::function<void(const std::string& tenant, const measurement&, std::int64_t arrived)>;

    // The options must outlive it.
    monasca_intake(const monasca_options& options, stored_function on_stored)
        : options_(options), on_stored_(std::move(on_stored)), store_(options.max_store_bytes) {}

    // Fails: throws monasca_refusal.
    http_response post(const monasca_call& c, const monasca_switches& switches);

    // What waits for Kafka is stored when it is up; one that is lost is lost to old connections.
    void switch_kafka(kafka_state from, kafka_state to, std::size_t last_connection);

    const monasca_store& store() const noexcept { return store_; }
    void report(monasca_summary& into) const;

private:
    struct pending_measurement {
        std::string tenant{};
        measurement what{};
        bool is_storable = true;
        std::int64_t arrived = 0; ///< Milliseconds.
    };
    struct metric_tally {
        metric_summary counts{};
        exact_sum sum{};
        exact_sum repeated{};
    };

    bool is_wedged(const monasca_call& c, const monasca_switches& switches) const noexcept;
    bool
    take(const monasca_call& c, const python::document& json, std::size_t body_bytes, bool waits);
    void keep(const pending_measurement& one);
    metric_tally& tally_of(const std::string& name);
    void record(violation what, std::string_view detail);

    const monasca_options& options_;
    stored_function on_stored_;
    monasca_store store_;
    std::deque<pending_measurement> pending_;
    std::size_t wedged_connection_ = 0; // the last one when Kafka was lost
    monasca_summary totals_;
    std::map<std::string, metric_tally> metrics_;
    metric_tally other_metrics_;
};

// Whose metrics a request is about: tenant_id, if the token may say so.
std::string tenant_of(const monasca_call& c, const monasca_query& query);

} // namespace monarc::sink
