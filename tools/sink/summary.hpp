#pragma once

// What a sink has to tell: plain values. docs/sink.md explains every member of the JSON.

#include "sink/event_facts.hpp"
#include "sink/forward_message.hpp"
#include "sink/keystone_summary.hpp"
#include "sink/monasca_summary.hpp"
#include "sink/rest_summary.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace monarc::sink {

struct class_summary {
    std::string name{}; ///< Empty: contexts whose class message has not arrived.
    std::uint64_t contexts = 0;
    std::uint64_t records = 0;
    std::uint64_t fields = 0;
    std::string sample{}; ///< The JSON of one event with fields.
};

struct tag_summary {
    std::string name{};
    std::uint64_t events = 0;
    std::uint64_t repeats = 0;
};

struct sum_summary {
    std::string field{};
    std::uint64_t count = 0;
    std::uint64_t not_integer = 0;
    int128 sum = 0;
    int128 min = 0;
    int128 max = 0;
    std::uint64_t xor_bits = 0; ///< Of the low 64 bits, two's complement.
};

struct summary {
    // Events, each counted once. events = records + class_messages + special_messages +
    // empty_messages
    // + plain_events.
    std::uint64_t events = 0;
    std::uint64_t repeats = 0; ///< Events that came again, by chunk and index; in nothing else.
    std::uint64_t records = 0;
    std::uint64_t fields = 0;
    std::uint64_t class_messages = 0;
    std::uint64_t special_messages = 0;
    std::uint64_t empty_messages = 0;
    std::uint64_t plain_events = 0;
    std::uint64_t contexts = 0;
    std::uint64_t restored = 0;  ///< Of events and repeats: read back from the store.
    std::uint64_t forgotten = 0; ///< By options::lose.

    // This process only.
    std::uint64_t messages = 0;
    std::uint64_t repeated_messages = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t cut_off = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_inflated = 0;
    std::uint64_t connections = 0;
    std::uint64_t open_connections = 0;
    std::uint64_t unfinished = 0;
    std::array<std::uint64_t, refusal_count> refused{};

    // The bounds of options::memory were met: what counts by the name is only a lower bound, or
    // repeats may have been counted as new.
    bool contexts_full = false;
    bool classes_full = false;
    bool tags_full = false;
    bool chunks_forgotten = false;

    std::vector<class_summary> classes;
    std::vector<tag_summary> tags;
    class_summary other_classes;
    tag_summary other_tags;
    sum_summary sum;
    std::optional<monasca_summary> monasca;   ///< If it is offered.
    std::optional<keystone_summary> keystone; ///< If it is offered.
    std::optional<rest_summary> rest;         ///< If it is offered.

    std::uint64_t refused_by(refusal why) const noexcept {
        return refused[static_cast<std::size_t>(why)];
    }
};

std::string to_json(const summary& s);
std::string to_text(const summary& s);

} // namespace monarc::sink
