#pragma once

// What the sink's Monasca can be told.

#include "sink/monasca_gate.hpp"
#include "sink/monasca_metrics.hpp"
#include "sink/monasca_switches.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace monarc::sink {

struct monasca_options {
    std::string token{}; ///< The one that is taken; empty: any that is not.
    std::string tenant = "0123456789abcdef0123456789abcdef"; ///< The project of every token.
    bool may_delegate = true;                                ///< Whether tenant_id is honoured.
    /// Instead of the three above: what Keystone says of a token.
    monasca_gate::find_function find_token{};
    monasca_switches switches{};
    std::uint64_t seed = 0; ///< Of the ids of alarms and the like; 0: others in each run.
    std::size_t max_store_bytes = std::size_t{256} << 20; ///< Beyond it the oldest points go.
    std::size_t max_metrics = 4096;                       ///< Names that are counted by themselves.

    /// Called for every measurement that was accepted, from within serve().
    std::function<void(std::string_view tenant, const measurement&)> on_measurement{};
    /// Called from within set_switches(), for what is switched elsewhere.
    std::function<void(const monasca_switches&)> on_switches{};
    /// One line without a line feed; of each kind of violation only the first few.
    std::function<void(std::string_view)> log{};
};

} // namespace monarc::sink
