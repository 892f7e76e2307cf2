#include <monarc/stats.hpp>

namespace monarc {

std::string_view to_string(reason why) noexcept {
    switch (why) {
    case reason::queue_full: return "queue_full";
    case reason::oversize: return "oversize";
    case reason::closed: return "closed";
    case reason::no_destination: return "no_destination";
    case reason::too_many_names: return "too_many_names";
    case reason::empty: return "empty";
    case reason::sampled_out: return "sampled_out";
    case reason::invalid_record: return "invalid_record";
    case reason::closed_context: return "closed_context";
    case reason::bad_json: return "bad_json";
    case reason::memory: return "memory";
    case reason::expired: return "expired";
    case reason::shutdown: return "shutdown";
    case reason::internal: return "internal";
    case reason::attempts: return "attempts";
    case reason::rejected: return "rejected";
    case reason::too_large: return "too_large";
    case reason::uncertain: return "uncertain";
    }
    return "unknown";
}

bool exporter_stats::is_exact() const noexcept {
    if (pushed != accepted + rejected.total()) {
        return false;
    }
    std::uint64_t routed = 0;
    for (const auto& d : destinations) {
        routed += d.accepted;
        const auto settled = d.delivered + d.delivered_unacked + d.dead.total() +
                             d.dropped.total() + d.filtered.total();
        if (d.accepted > accepted || d.accepted != settled + d.pending ||
            d.pending != d.queued + d.open + d.ready + d.in_flight) {
            return false;
        }
    }
    return destinations.empty() || routed >= accepted; // nobody's records there are none
}

} // namespace monarc
