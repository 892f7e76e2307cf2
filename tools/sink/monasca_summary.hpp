#pragma once

// What the Monasca part of a sink has to tell: plain values. docs/sink.md explains every member.

#include "sink/http_server.hpp"
#include "sink/monasca_violations.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace monarc::sink {

// Of one metric name, every measurement that was accepted counts, however often it came.
struct metric_summary {
    std::string name{};
    std::uint64_t count = 0;
    double sum = 0; ///< Exact, rounded once: see exact_sum.hpp.
    std::uint64_t series = 0;
    std::uint64_t repeats = 0; ///< Of count: the same point again, with the same value.
    double repeated_sum = 0;
    std::uint64_t overwritten = 0; ///< Of count: the same point again, with another value.
    std::uint64_t not_kept = 0;    ///< Of count: not in the store, and not looked at for repeats.
};

struct monasca_summary {
    std::map<int, std::uint64_t> responses{}; ///< By status, of all resources.
    std::uint64_t posts = 0;                  ///< Requests with metrics, whatever the answer.
    std::uint64_t accepted = 0;               ///< Measurements that were answered 204.
    std::uint64_t repeats = 0;
    std::uint64_t overwritten = 0;
    std::uint64_t not_kept = 0;
    std::uint64_t pending = 0;        ///< Answered 204, waiting for Kafka; in no other number.
    std::uint64_t dropped_points = 0; ///< Left the store to make room; still counted.
    std::uint64_t points = 0;         ///< In the store now.
    std::uint64_t violations = 0;     ///< All of them.
    std::array<std::uint64_t, violation_count> violations_by{};
    std::vector<metric_summary> metrics{}; ///< By name.
    metric_summary other_metrics{};        ///< Names beyond the limit.
    bool metrics_full = false;
    http_counts http{};

    std::uint64_t violated(violation v) const noexcept {
        return violations_by[static_cast<std::size_t>(v)];
    }
    const metric_summary* find(std::string_view name) const noexcept {
        for (const auto& m : metrics)
            if (m.name == name)
                return &m;
        return nullptr;
    }
};

std::string to_json(const monasca_summary& s);
std::string to_text(const monasca_summary& s);

} // namespace monarc::sink
