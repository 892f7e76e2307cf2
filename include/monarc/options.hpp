#pragma once

/// What an exporter can be told. Plain aggregates with every default written out; the constructor
/// checks the ranges and names the first bad option. Members are never reordered.

#include <monarc/api.hpp>
#include <monarc/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace monarc {

/// How events are laid out for a forward receiver (forward.md section 3).
enum class forward_mode {
    packed,  ///< PackedForward, or CompressedPackedForward with gzip.
    forward, ///< One readable array a batch.
    message, ///< One message an event, as mona-client sends them.
};

/// Which records of one context may become one (mona-client.md section 16).
enum class merge_mode {
    off,       ///< None: message-exact traffic.
    disjoint,  ///< Neighbours that have no key in common.
    overwrite, ///< Also those that have; the later value replaces the earlier.
};

/// What becomes of an interval's values of one series (delivery.md D-4.10).
enum class series_kind {
    gauge,   ///< The last one is sent.
    counter, ///< Their sum.
    timer,   ///< Count, sum, min, max and the chosen percentiles, each as a metric of its own.
    every,   ///< Each one, with its own time; of one millisecond the last.
};

/// A receiver of the Fluentd forward protocol: Fluentd, Fluent Bit, Mona's agent, `monarc sink`.
struct mona_forward_options {
    /// Name or address. A name is resolved at each connect, at most once a minute.
    std::string host = "127.0.0.1";

    std::uint16_t port = 24224;

    /// Mona's id of the customer; goes out with every event.
    std::string user_id = "EMPTY";

    forward_mode mode = forward_mode::packed;

    /// Mode packed only; payloads below 512 bytes go plain, because gzip would make them larger.
    bool gzip = true;

    /// Whether each payload asks for an acknowledgement. Without one, delivery is at most once.
    bool ack = true;

    merge_mode merge = merge_mode::disjoint;
};

/// A Monasca API; series go there, and what `exporter_options::derive` makes of contexts.
struct monasca_options {
    /// Of the API, with its version: `http://mon.example:8070/v2.0`.
    std::string url{};

    /// Sent as X-Auth-Token. Range: at most 8000 bytes, visible ASCII.
    secret token{};

    /// One measurement per series and statistic, stamped with its end. Range: 1 s … 1 h.
    std::chrono::milliseconds interval{10'000};

    /// Added to every series, so that two processes do not overwrite each other; a series' own
    /// dimension of the same name wins. Without a value: `hostname` of this machine.
    std::optional<std::map<std::string, std::string>> dimensions{};
};

/// Numeric fields of a class as metrics: `<prefix>.<class>.<field>`.
struct derived_series {
    struct source {
        std::string class_name{};              ///< `class` in a file
        std::vector<std::string> fields{};     ///< numeric ones; each becomes a metric
        std::vector<std::string> dimensions{}; ///< text fields of the same record
    };
    struct target {
        std::string prefix{};
        series_kind kind = series_kind::gauge;
    };
    source from{};
    target to{};
};

/// The hand-over between the threads that push and the I/O thread.
struct queue_options {
    /// Slots of 192 bytes in the pool that is reserved at start. Range: 256 … 2^24, multiple of
    /// 256.
    std::size_t capacity = 65'536;

    /// How long a push that finds no room waits for it before it is rejected(queue_full); 0: not at
    /// all. Pushes from a log callback never wait. Range: 0 … 1 min.
    std::chrono::milliseconds block_timeout{0};
};

/// When a batch is sealed: at whichever comes first.
struct batch_options {
    /// Records as pushed, merged or not. Range: 1 … 1000.
    std::size_t max_records = 1000;

    /// Bytes before compression. Range: 4 KiB … 5 MiB.
    std::size_t max_bytes = 256 * 1024;

    /// Since its first record. Range: 1 ms … 1 h.
    std::chrono::milliseconds max_delay{1000};
};

/// How long a destination that failed is left alone.
struct retry_options {
    /// Bound of the wait after the first failure; it doubles with each further one. Range: > 0.
    std::chrono::milliseconds min_wait{50};

    /// Longest wait between two attempts. Range: min_wait … 1 h.
    std::chrono::milliseconds max_wait{30'000};

    /// A Retry-After beyond it counts as this. Range: 0 … 1 h.
    std::chrono::milliseconds max_retry_after{300'000};

    /// A payload older than this is dropped(expired). Range: 0 (no limit) or >= batch.max_delay.
    std::chrono::milliseconds max_age{0};

    /// A payload that failed this often is dead(attempts). Range: >= 0; 0: no limit.
    std::uint32_t max_attempts = 0;
};

/// What a push takes its time from.
enum class clock_source {
    best, ///< tsc where it can be trusted, else system
    /// The processor's counter. Cheapest; but a processor may read it some tens of nanoseconds
    /// early, so that of two pushes by different threads that are less than about 100 ns apart the
    /// later one may be taken for the earlier.
    tsc,
    /// CLOCK_MONOTONIC: about 20 ns more a push. What a thread pushes after it has seen that
    /// another one pushed, also counts as later.
    system,
};

enum class log_level { debug, info, warning, error };

struct log_line {
    log_level level;
    std::string_view text; ///< `where: what happened: why; what next`; valid during the call
};

/// Called on the I/O thread; must not block; may push. An exception that leaves it is counted.
using log_function = std::function<void(const log_line&)>;

struct exporter_options {
    /// Where contexts go; without it every push to one is rejected(no_destination).
    std::variant<std::monostate, mona_forward_options> mona{};

    /// Where series go; without it every push to one is rejected(no_destination).
    std::optional<monasca_options> monasca{};

    queue_options queue{};
    batch_options batch{};
    retry_options retry{};

    /// Decides the order of records that different threads push to one context. tsc is refused
    /// where the processor or the kernel does not vouch for it.
    clock_source clock = clock_source::best;

    /// Bytes for queue, batches and payloads together. Range: >= 4 MiB and >= twice the queue's
    /// pool.
    std::size_t memory_limit = 64u << 20;

    /// Contexts remembered, so that their class is not sent again. Range: >= 1.
    std::size_t max_contexts = 65'536;

    /// Longest wait for an acknowledgement after the last byte was written. Range: 1 s … 10 min.
    std::chrono::milliseconds response_timeout{30'000};

    /// What the destructor waits for delivery. Range: 0 … 10 min.
    std::chrono::milliseconds close_timeout{5'000};

    /// What goes to Monasca of the records of contexts; they go to Mona all the same.
    std::vector<derived_series> derive{};

    /// Off: pushes return false at once and count nowhere until set_enabled(true).
    bool enabled = true;

    /// Empty: warnings and errors go to standard error.
    log_function log{};
};

} // namespace monarc
