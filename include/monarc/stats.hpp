#pragma once

/// The ledger: what became of every record that was pushed (delivery.md D-1.3).

#include <monarc/api.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace monarc {

/// Why a record was not delivered.
enum class reason : std::uint8_t {
    // rejected at the push
    queue_full,
    oversize,
    closed,
    no_destination,
    too_many_names,
    // filtered: rightly not sent
    empty,
    sampled_out,
    // dropped: lost later
    invalid_record,
    closed_context,
    bad_json,
    memory,
    expired,
    shutdown,
    internal,
    // dead: refused for good
    attempts,
    rejected,
    too_large,
    uncertain,
};
inline constexpr std::size_t reason_total = static_cast<std::size_t>(reason::uncertain) + 1;

/// The word used in logs and statistics, e.g. "queue_full".
MONARC_API std::string_view to_string(reason why) noexcept;

/// Records, or bytes, by reason.
class reason_counts {
public:
    std::uint64_t operator[](reason why) const noexcept {
        return counts_[static_cast<std::size_t>(why)];
    }
    std::uint64_t& operator[](reason why) noexcept {
        return counts_[static_cast<std::size_t>(why)];
    }
    std::uint64_t total() const noexcept {
        return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
    }
    reason_counts& operator+=(const reason_counts& more) noexcept {
        for (std::size_t i = 0; i < reason_total; ++i) {
            counts_[i] += more.counts_[i];
        }
        return *this;
    }

private:
    std::array<std::uint64_t, reason_total> counts_{};
};

/// rejected_credentials: the last failure was that a login or token was refused.
enum class health { ok, degraded, down, rejected_credentials };

/// One destination. All in records as pushed, merged or not, but where the name says bytes or
/// payloads.
struct destination_stats {
    std::string name;

    /// What was routed here, and what is still in the queue: of that nobody knows yet whose it is.
    std::uint64_t accepted = 0, delivered = 0, delivered_unacked = 0;

    /// The parts of what is pending: in the queue, in an open batch, sealed, being sent.
    std::uint64_t pending = 0, queued = 0, open = 0, ready = 0, in_flight = 0;

    reason_counts dead, dropped, filtered;
    reason_counts dropped_bytes; ///< payload bytes of what was dropped after it was sealed

    std::uint64_t payloads = 0;            ///< sealed
    std::uint64_t attempts = 0;            ///< payloads begun to be written, repeats included
    std::uint64_t retries = 0;             ///< attempts that failed
    std::uint64_t late_answers = 0;        ///< acknowledgements of attempts that were given up
    std::uint64_t connections = 0;         ///< made
    std::uint64_t events = 0;              ///< encoded: merged records and class messages
    std::uint64_t payload_bytes = 0;       ///< before compression
    std::uint64_t wire_bytes = 0;          ///< sealed payloads as they are sent, each once
    std::uint64_t retry_after_bad = 0;     ///< neither a number of seconds nor a date
    std::uint64_t retry_after_clamped = 0; ///< longer than retry.max_retry_after

    /// TLS. Handshakes that failed: over the peer's certificate, over protocol or cipher, because
    /// the peer said no, for another reason.
    std::uint64_t tls_certificate_failures = 0, tls_agreement_failures = 0,
                  tls_refused_failures = 0, tls_broken_failures = 0;
    std::uint64_t tls_reload_failed = 0; ///< changes of a TLS file that could not be used
    std::uint64_t tls_version = 0;       ///< of the last connection, 12 or 13; 0: none was made
    std::uint64_t tls_unverified = 0;    ///< 1: tls.verify is off
    /// Whole days until a certificate ends, negative if it has: the peer's of the last connection,
    /// and our own.
    std::optional<std::int64_t> tls_peer_days, tls_own_days;

    std::uint64_t shared_key_failures = 0; ///< handshakes about mona.shared_key that failed
    std::uint64_t doubtful_acks = 0;       ///< of Monasca, so late that its Kafka may be away
    std::uint64_t logins = 0;              ///< tokens that were issued
    std::uint64_t failed_logins = 0;       ///< logins refused or not answered
    health state = health::ok;
    std::string last_error;
};

/// One snapshot, in which D-1.3 holds.
struct exporter_stats {
    std::uint64_t pushed = 0, accepted = 0;
    reason_counts rejected;

    std::uint64_t merged = 0; ///< records that went into an event of an earlier one
    std::uint64_t fields =
        0; ///< fields taken off the queue, before anything was stripped or merged
    std::uint64_t stripped_fields = 0;    ///< MONA_ keys taken out (D-4.3: reserved_keys_stripped)
    std::uint64_t overwritten_fields = 0; ///< values replaced by a later one of the same key
    std::uint64_t utf8_repaired = 0;      ///< texts, ids and keys in which bytes became U+FFFD
    std::uint64_t bad_json_fields = 0;    ///< json() values that were no JSON and were left out
    std::uint64_t not_finite_fields = 0;  ///< NaN and infinities, which Mona's REST cannot take
    std::uint64_t class_messages = 0;
    std::uint64_t live_contexts = 0;
    std::uint64_t live_series = 0;      ///< series with values in this interval or the last
    std::uint64_t same_millisecond = 0; ///< values of kind every that a later one replaced
    std::uint64_t repaired_dimensions =
        0; ///< characters of dimension values that became `_`, and values that were left out
    std::uint64_t evicted_contexts = 0;
    std::uint64_t queue_blocks_added = 0; ///< 48 KiB each, beyond the pool
    std::uint64_t callback_exceptions = 0;
    std::uint64_t memory_bytes = 0; ///< queue, batches and payloads, as memory_limit counts them
    std::vector<destination_stats> destinations;

    /// pushed = accepted + rejected; for each destination accepted = the sum of its terms; each
    /// accepted record was routed to one at least.
    MONARC_API bool is_exact() const noexcept;
};

/// One JSON object with the members' names; a count by reason is an object with `total` and each
/// reason. Valid whatever bytes a peer put into last_error: what is no UTF-8 becomes U+FFFD.
MONARC_API std::string to_json(const exporter_stats& s);

/// Prometheus' text format 0.0.4: `monarc_pushed_total`, `monarc_rejected_total{reason="…"}`,
/// `monarc_destination_pending{destination="…"}`, … last_error is not among them.
MONARC_API std::string to_prometheus(const exporter_stats& s);

/// What became of the records that were accepted before a flush or close was called. With two
/// destinations a record counts once for each that it was routed to.
struct flush_result {
    std::uint64_t accepted = 0, delivered = 0, delivered_unacked = 0, dead = 0, dropped = 0,
                  filtered = 0, pending = 0;
    std::error_code
        error; ///< timed_out; would_deadlock inside a callback; closed in a forked child

    /// Nothing pending, refused or lost.
    bool is_clean() const noexcept { return !error && pending == 0 && dead == 0 && dropped == 0; }
};

} // namespace monarc
