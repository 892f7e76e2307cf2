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
#include <span>
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

/// What becomes of a REST request whose answer was lost (delivery.md D-2.3).
enum class uncertain_mode {
    resend, ///< Again: harmless for rows that are overwritten, may double what is added.
    dead,   ///< Not again; counted as dead.
};

/// What becomes of top-level keys that begin with MONA_, which Mona keeps for itself.
enum class reserved_key_mode {
    strip,  ///< Taken out and counted, as mona-client does.
    rename, ///< `MY_` is put before them, as Mona's REST library does.
};

/// What a message of Mona's REST interface does to the row that is there (mona-rest.md section 5).
/// The forward protocol has no such word; there it is left out.
enum class action : std::uint8_t {
    overwrite = 1, ///< OVERWRITE: its fields replace those of the row, other fields stay.
    add,           ///< ADD: its values are added to those that are there.
    fresh,         ///< NEW: the row is forgotten first.
};

/// How a REST client proves who it is (mona-rest.md section 2).
enum class mona_auth_mode {
    mona,  ///< api_key and secret are exchanged for a token at Mona's login.
    oidc,  ///< The same as OAuth client credentials, at token_url.
    token, ///< secret is the access token; it is never refreshed.
    none,  ///< No credentials, and Mona's other end point, which must be allowed for the customer.
};

/// Whether requests to Monasca are compressed.
enum class compression_mode {
    automatic, ///< `auto` in a file: where the server takes it, which it is asked once an hour.
    gzip,      ///< Always; a server that refuses it costs a second request each.
    none,
};

/// Whether the address that Keystone's catalogue names is believed (delivery.md D-11.7).
enum class catalogue_mode {
    check, ///< Only if the token is as safe there as at Keystone.
    trust,
};

/// What an exporter does in a forked child (delivery.md D-9.8).
enum class fork_policy {
    inert,   ///< Nothing: pushes are rejected(closed), every call returns at once.
    restart, ///< The child's first push starts it afresh.
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

    /// Range: 1 … 65535.
    std::uint16_t port = 24224;

    /// Of a socket in the file system, in the place of host and port. Fluentd's own input of that
    /// kind neither acknowledges nor inflates: set ack and gzip to false for it. Range: at most 107
    /// bytes.
    std::string unix_path{};

    /// Mona's id of the customer; goes out with every event. Range: at most 1024 bytes.
    std::string user_id = "EMPTY";

    forward_mode mode = forward_mode::packed;

    /// Mode packed only; payloads below 512 bytes go plain, because gzip would make them larger.
    bool gzip = true;

    /// Whether each payload asks for an acknowledgement. Without one, delivery is at most once.
    bool ack = true;

    merge_mode merge = merge_mode::disjoint;

    /// TLS from the first byte, as `tls` says.
    bool use_tls = false;

    /// What the receiver's certificate must be for, and whom it is asked for. Empty: host.
    std::string server_name{};

    /// Of Fluentd's and Fluent Bit's handshake, by which both sides show that they have the same
    /// key without sending it. Empty: none is made.
    secret shared_key{};
};

/// Mona's own interface, HTTPS and JSON: one request at a time.
struct mona_rest_options {
    /// Complete, used as given, a query included. Empty: follows from host, or from the user.
    std::string url{};

    /// Empty: the tenant that the token names; only with auth = mona. Range: at most 1024 bytes.
    std::string user_id{};

    monarc::secret api_key{};
    monarc::secret secret{}; ///< Belongs to api_key; with auth = token the access token itself.

    mona_auth_mode auth = mona_auth_mode::mona;

    /// Where tokens are had. Empty: Mona's login; oidc has no such default.
    std::string token_url{};

    /// The share of each class's contexts that is sent, by a hash of their id; `*` stands for the
    /// classes that are not named, which otherwise are sent whole. Range: each 0 … 1.
    std::map<std::string, double> sampling{};

    /// Leaves top-level members out that are null, which otherwise may delete a value.
    bool drop_nulls = false;

    reserved_key_mode reserved_keys = reserved_key_mode::strip;

    /// Nobody has seen Mona take a compressed request. Refused with 400 or 415, the same goes
    /// plain, and so does whatever follows.
    bool gzip = false;

    merge_mode merge = merge_mode::disjoint;

    /// Of a request that holds a message with action add or fresh.
    uncertain_mode on_uncertain = uncertain_mode::resend;

    /// `name` or `name:port` in the place of Mona's own; the path stays Mona's.
    std::string host{};

    /// https for host and for Mona's own.
    bool use_tls = true;

    /// The newer names of the end points, `sendEvent` and `monaSendEvent`.
    bool use_send_event = false;

    /// The newer name of the member that holds a time. Not every server knows it.
    bool use_send_timestamp = false;

    /// Of messages that have none of their own; a handle's never have.
    std::optional<action> default_action{};

    /// Empty: token_url with `/token/refresh` behind it.
    std::string refresh_url{};

    /// Off: a token that grows old is replaced by a new login.
    bool use_refresh_tokens = true;

    /// How long before its end a token is replaced. Without a value: a tenth of its life, 2 min at
    /// least. Range: 0 … 24 h.
    std::optional<std::chrono::milliseconds> refresh_margin{};

    /// With auth = oidc.
    std::string oidc_scope{};

    /// Further attempts within one login, when no answer came or one that is no JSON. Range: 0 …
    /// 100.
    std::uint32_t login_retries = 3;

    /// Between them. Range: 0 … 1 min.
    std::chrono::milliseconds login_retry_wait{2'000};
};

/// From the variables of mona_sdk, `MONA_SDK_API_KEY` and its like, with all their quirks: a switch
/// knows only True, true, False and false, anything else is its default.
///
/// Threads: any, while nobody changes the environment.
/// Fails:   throws std::system_error(errc::bad_options) whose what() names the variable.
MONARC_API mona_rest_options options_from_mona_sdk_env();

/// A Monasca API; series go there, and what `exporter_options::derive` makes of contexts.
struct monasca_options {
    /// Of the API, with its version: `https://mon.example:8070/v2.0`. Empty: from Keystone's
    /// catalogue.
    std::string url{};

    /// Of Keystone, `/v3` at its end or not: `https://keystone.example:5000/v3`. Empty: `token` is
    /// sent as it is.
    std::string auth_url{};

    /// Who logs in, and for which project; where an id below is given, that counts.
    std::string username{};
    secret password{};
    std::string project{};
    std::string user_domain = "Default";
    std::string project_domain = "Default";

    /// Id of another project, for an agent that may post in its name. Range: 32 hexadecimal digits.
    std::string tenant_id{};

    /// In the place of user and password: sent as X-Auth-Token, or, with auth_url, exchanged for
    /// one of the project, which ends when it does. Range: at most 8000 bytes, visible ASCII.
    secret token{};

    compression_mode compression = compression_mode::automatic;

    /// One measurement per series and statistic, stamped with its end. Range: 1 s … 1 h.
    std::chrono::milliseconds interval{10'000};

    /// Added to every series, so that two processes do not overwrite each other; a series' own
    /// dimension of the same name wins. Without a value: `hostname` of this machine.
    std::optional<std::map<std::string, std::string>> dimensions{};

    catalogue_mode catalogue = catalogue_mode::check;

    std::string user_id{};
    std::string user_domain_id{};
    std::string project_id{};
    std::string project_domain_id{};

    /// An application credential, which brings its own project: in the place of user and token.
    std::string credential_id{};
    secret credential_secret{};

    /// Which of the catalogue's addresses. Region empty: any.
    std::string interface = "public";
    std::string region{};
};

/// Numeric fields of a class as metrics: `<prefix>.<class>.<field>`.
struct derived_series {
    struct source {
        std::string class_name{};              ///< `class` in a file
        std::vector<std::string> fields{};     ///< numeric ones; each becomes a metric
        std::vector<std::string> dimensions{}; ///< text fields of the same record

        friend bool operator==(const source&, const source&) = default;
    };
    struct target {
        std::string prefix{};
        series_kind kind = series_kind::gauge;

        friend bool operator==(const target&, const target&) = default;
    };
    source from{};
    target to{};

    friend bool operator==(const derived_series&, const derived_series&) = default;
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
    std::size_t max_bytes = std::size_t{256} * 1024;

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

/// Payloads on disk, while their destination is away.
struct spool_options {
    /// Empty: off. Not available in this version: leave it empty.
    std::string directory{};

    /// The oldest payload goes when it is full. Range: >= 8 MiB.
    std::uint64_t max_bytes = 256u << 20;

    /// Stored also means synced: survives a loss of power.
    bool durable = false;
};

/// For every destination that uses TLS: Monasca at an https address, Mona with use_tls. The files
/// are read at start, and again when they have changed: the next connection uses them.
struct tls_options {
    std::string ca_file{};   ///< PEM. Empty: the system's store.
    std::string cert_file{}; ///< PEM, our own, for receivers that ask for one.
    std::string key_file{};  ///< PEM, of cert_file. Empty: it stands in cert_file.

    /// Off: anybody can pretend to be the receiver.
    bool verify = true;

    /// Sends tokens and passwords over plain TCP also to other machines.
    bool allow_plain_credentials = false;
};

/// The thread that ships. What the system refuses is logged as a warning; the thread runs anyway.
struct io_thread_options {
    /// As top and debuggers show it. Range: 1 … 15 bytes.
    std::string name = "monarc-io";

    /// The only processor it runs on; -1: any. Range: -1 … 1023.
    int cpu = -1;

    /// Its nice value, smaller being more urgent; 0: as the process has it. Range: -20 … 19.
    int priority = 0;
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

/// What a line of the Mona client's functions is about, as `context`, `c1.s1`.
struct log_field {
    std::string_view name;
    std::string_view value;
};

struct log_line {
    log_level level;
    std::string_view text;   ///< `where: what happened: why; what next`; valid during the call
    std::string_view code{}; ///< of a line of monarc/mona_client.hpp, as `no_context`; else empty
    std::span<const log_field> fields{};
};

/// Called on the I/O thread; must not block; may push. An exception that leaves it is counted.
using log_function = std::function<void(const log_line&)>;

struct exporter_options {
    /// In log lines and as the spool's directory. Range: 1 … 64 of A-Z a-z 0-9 . _ -, not
    /// beginning with a dot.
    std::string name = "default";

    /// Where contexts go; without it every push to one is rejected(no_destination).
    std::variant<std::monostate, mona_forward_options, mona_rest_options> mona{};

    /// Where series go; without it every push to one is rejected(no_destination).
    std::optional<monasca_options> monasca{};

    queue_options queue{};
    batch_options batch{};
    retry_options retry{};
    spool_options spool{};
    tls_options tls{};
    io_thread_options io_thread{};

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

    /// restart is not available in this version.
    fork_policy on_fork = fork_policy::inert;

    /// What goes to Monasca of the records of contexts; they go to Mona all the same.
    std::vector<derived_series> derive{};

    /// Off: pushes return false at once and count nowhere until set_enabled(true).
    bool enabled = true;

    /// Empty: warnings and errors go to standard error.
    log_function log{};
};

/// Where load_options looks. Nothing is read unless it is asked for.
struct option_sources {
    /// A TOML file of at most 1 MiB; a key is the path of the C++ member. Empty: none, or with
    /// `environment` the one that MONARC_CONFIG names.
    std::string file{};

    /// Whether MONARC_* variables are read: the path in capitals with two underscores for a dot,
    /// `MONARC_BATCH__MAX_DELAY=200ms`. They win over the file.
    bool environment = false;

    /// Told of warnings, on the calling thread; becomes exporter_options::log. Empty: warnings go
    /// to standard error.
    log_function log{};
};

/// Options from a file and the environment, in this order; docs/configuration.md has the keys.
/// A secret is `env:NAME`, `file:/path` (not writable by others) or the text itself.
///
/// Threads: any, while nobody changes the environment.
/// Fails:   throws std::system_error(errc::bad_options) whose what() names file and line or the
///          variable, the option, its range and what it got; for an unknown one the nearest.
MONARC_API exporter_options load_options(const option_sources& from);

} // namespace monarc
