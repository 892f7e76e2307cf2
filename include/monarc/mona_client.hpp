#pragma once

/// The functions of mona-client, over the one exporter of the process: contexts that belong to a
/// thread, messages for the current one, the switch that turns everything off.

#include <monarc/api.hpp>
#include <monarc/exporter.hpp>
#include <monarc/field.hpp>
#include <monarc/options.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

namespace monarc::mona {

/// How the client is set up. What stands beside the members is the variable that
/// options_from_mona_env() takes it from.
struct client_options {
    /// The receiver. MONA_HOST, MONA_PORT, MONA_USER_ID, MONA_USE_SSL. As the original could count
    /// on no more: no acknowledgements, no compression; `mode = message` and `merge = off` give its
    /// exact traffic. With TLS and without a name, the certificate is for raw.monalabs.io.
    mona_forward_options forward{.gzip = false, .ack = false, .use_tls = true};

    /// MONA_QUEUE_SIZE. The exporter's queue has at least so many slots.
    std::size_t queue_size = 200;

    /// MONA_QUEUE_CIRCULAR. Ignored with a warning: the queue never throws away the oldest.
    bool queue_circular = false;

    /// MONA_SHOULD_RAISE_EXCEPTIONS; as raise_exceptions().
    bool raise_exceptions = false;

    /// MONA_CLIENT_CONFIG_FILE. Watched: while its member disable_all is true, everything is off.
    /// Empty: none.
    std::string config_file{};

    /// MONA_LOGGING_LEVEL. 10 debug, 20 info, 30 warning, 40 error; 0: not set.
    int logging_level = 0;

    /// MONA_PRINT_LOGS. Lines go to standard output.
    bool print_logs = false;

    /// All else about the exporter; its `mona` is made from the members above.
    exporter_options exporter{};
};

/// From the MONA_* variables, with mona-client's ways of reading them:
/// docs/migrating-from-mona-client.md. Threads: any, while nobody changes the environment. Fails:
/// throws std::system_error(errc::bad_options) if MONA_PORT or MONA_QUEUE_SIZE is no integer.
MONARC_API client_options options_from_mona_env();

/// Starts the exporter of the process. Not needed: the first export does it with the options of the
/// environment. A second call, or one after that export, warns and changes nothing.
/// Fails:   throws std::system_error(errc::bad_options) as the exporter's constructor.
MONARC_API void init_client(client_options options = options_from_mona_env());

/// The class of a context: a text, or any JSON value by monarc::json(…). None, and what Python
/// takes for false: the class is not told.
class MONARC_API arc_class {
public:
    arc_class() noexcept = default;
    arc_class(std::nullptr_t) noexcept {}
    arc_class(const char* name) : arc_class(std::string_view(name != nullptr ? name : "")) {}
    arc_class(std::string_view name) : text_(name) {}
    arc_class(const std::string& name) : text_(name) {}
    arc_class(json_text value) : text_(value.text), is_json_(true) {}

    const std::string& text() const noexcept { return text_; }
    bool is_json() const noexcept { return is_json_; }

private:
    std::string text_;
    bool is_json_ = false;
};

/// When what is exported was so: seconds since 1970, a moment, or any JSON value by
/// monarc::json(…). None, and what Python takes for false (0, too): now. What is no time between
/// the years 1 and 9999 goes out as MONA_INVALID_EXPORT_TIMESTAMP beside the message, which then is
/// of now. Sent in whole seconds.
class MONARC_API timestamp {
public:
    enum class kind { none, whole, real, moment, json };

    timestamp() noexcept = default;
    timestamp(std::nullptr_t) noexcept {}
    timestamp(std::nullopt_t) noexcept {}
    timestamp(bool) = delete;
    timestamp(std::integral auto seconds) noexcept : kind_(kind::whole), whole_(seconds) {
        if (std::in_range<std::int64_t>(seconds)) {
            return;
        }
        kind_ = kind::real; // out of any range
        real_ = static_cast<double>(seconds);
    }
    timestamp(std::floating_point auto seconds) noexcept
        : kind_(kind::real), real_(static_cast<double>(seconds)) {}
    template <class Duration>
    timestamp(std::chrono::time_point<std::chrono::system_clock, Duration> moment) noexcept
        : kind_(kind::moment),
          whole_(
              std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count()) {
    }
    timestamp(json_text value) : kind_(kind::json), text_(value.text) {}
    template <class T>
    timestamp(const std::optional<T>& value) : timestamp(value ? timestamp(*value) : timestamp()) {}

    kind what() const noexcept { return kind_; }
    std::int64_t whole() const noexcept { return whole_; }
    double real() const noexcept { return real_; }
    const std::string& text() const noexcept { return text_; }

private:
    kind kind_ = kind::none;
    std::int64_t whole_ = 0;
    double real_ = 0;
    std::string text_;
};

namespace detail {

MONARC_API void put_null(std::string& to);
MONARC_API void put_boolean(std::string& to, bool value);
MONARC_API void put_integer(std::string& to, std::int64_t value);
MONARC_API void put_natural(std::string& to, std::uint64_t value);
MONARC_API void put_real(std::string& to, double value);
MONARC_API void put_text(std::string& to, std::string_view value);
/// The bytes of many numbers.
MONARC_API void
put_numbers(std::string& to, monarc::detail::value_type type, std::string_view bytes);

template <class Element>
void put_value(std::string& to, const Element& element) {
    using monarc::detail::value_type;
    constexpr auto type = Element::type;
    if (!element.is_there) {
        put_null(to);
    } else if constexpr (type == value_type::null) {
        put_null(to);
    } else if constexpr (type == value_type::boolean) {
        put_boolean(to, element.value);
    } else if constexpr (type == value_type::integer) {
        put_integer(to, element.value);
    } else if constexpr (type == value_type::natural) {
        put_natural(to, element.value);
    } else if constexpr (type == value_type::real) {
        put_real(to, element.value);
    } else if constexpr (type == value_type::text) {
        put_text(to, element.value);
    } else if constexpr (type == value_type::json) {
        to += element.value;
    } else if constexpr (monarc::detail::has_members(type)) {
        constexpr bool is_object = type == value_type::object;
        to += is_object ? '{' : '[';
        bool is_first = true;
        [[maybe_unused]] const auto put = [&](const auto& member) {
            if (!std::exchange(is_first, false)) {
                to += ',';
            }
            if constexpr (is_object) {
                put_text(to, member.name());
                to += ':';
            }
            put_value(to, member);
        };
        std::apply([&](const auto&... members) { (put(members), ...); }, element.value);
        to += is_object ? '}' : ']';
    } else {
        put_numbers(to, type, element.value);
    }
}

} // namespace detail

/// What is exported: an object, as a JSON text, a record, or `monarc::object("age"_key = 33, …)`.
/// NaN, Infinity and -Infinity count as numbers in a text.
class MONARC_API message {
public:
    message(const char* json) : text_(json != nullptr ? json : "null") {}
    message(std::string_view json) : text_(json) {}
    message(std::string json) noexcept : text_(std::move(json)) {}
    message(json_text json) : text_(json.text) {}
    message(const record& fields);
    template <class... Fields>
    message(const object_value<Fields...>& fields) {
        detail::put_value(text_, monarc::detail::element_of(fields));
    }

    /// As JSON.
    const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

/// What became of an export: mona-client's true, false, nothing.
enum class export_result {
    accepted, ///< In the queue; from here on the exporter's statistics have it.
    rejected, ///< The exporter is closed, its queue is full, or the message is larger than 5 MiB.
    refused,  ///< Off, no context, no JSON object, or nothing left of it. What is wrong was logged.
};

/// Only after raise_exceptions(true): an export was rejected.
class MONARC_API export_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Only after raise_exceptions(true): an event of a batch has no message.
class MONARC_API missing_key_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Whether rejected exports, also of the messages that a context begins with, throw export_error,
/// and events without a message missing_key_error.
MONARC_API void raise_exceptions(bool on);

/// Opens a context on this thread for as long as it lives. While a guarded one is open it is
/// refused (nested_init), and id() is that one's. Without an id: a fresh uuid. Dots in it separate
/// levels.
///
/// Threads: must end on the thread where it began; not for a scope that spans a co_await:
///          captured_context is.
class MONARC_API context_scope {
public:
    explicit context_scope(
        const arc_class& name = {}, std::string_view id = {}, const timestamp& when = {});
    context_scope(const context_scope&) = delete;
    context_scope& operator=(const context_scope&) = delete;
    ~context_scope();

    /// Of all levels.
    const std::string& id() const noexcept { return id_; }

private:
    std::string id_;
    bool is_open_ = false;
};

/// Opens a part of the current context for as long as it lives; refused (sub_without_main) without
/// one.
class MONARC_API sub_context_scope {
public:
    explicit sub_context_scope(const arc_class& name = {}, std::string_view id = {});
    sub_context_scope(const sub_context_scope&) = delete;
    sub_context_scope& operator=(const sub_context_scope&) = delete;
    ~sub_context_scope();

    /// Its own, without that of what it is a part of.
    const std::string& id() const noexcept { return id_; }

private:
    std::string id_;
    std::size_t depth_ = 0;         ///< levels below it
    std::size_t guarded_below_ = 0; ///< of these
    bool is_open_ = false;
};

/// The same by hand, without a guard. Returns: as id() of the scopes.
MONARC_API std::string
init(const arc_class& name = {}, std::string_view id = {}, const timestamp& when = {});
MONARC_API std::string init_sub_context(const arc_class& name = {}, std::string_view id = {});

/// Closes the first level of that name, or the last one, and all above it. Returns: the full id.
MONARC_API std::string close_sub_context(std::string_view id = {});

/// Closes all levels of this thread, guarded ones too.
MONARC_API void reset();

/// All levels of this thread, joined by dots; empty if there are none.
MONARC_API std::string full_context_id();

/// Hands a message of the current context over. Top-level keys that begin with MONA_ are taken out.
/// Cost: the text is parsed on this thread; push() is for hot paths.
MONARC_API export_result export_message(const message& what, const timestamp& when = {});

/// One run, for export_batch.
struct event {
    mona::arc_class arc_class{};
    std::string context_id{};
    timestamp export_timestamp{};
    std::optional<mona::message> message{};
};

/// Opens a context for each event in turn, exports its message and closes it.
/// Returns: false if everything is off.
MONARC_API bool export_batch(std::span<const event> events);

/// Goes out at the start of each main context from now on; copied. An empty object: none.
MONARC_API void set_global_init_message(const message& what);

/// Delivers what was accepted within exporter.close_timeout, then stops; later exports are
/// rejected. Happens at exit by itself. Before the first use it closes nothing.
MONARC_API void close();

/// The current context of a thread, to be taken to another one.
class MONARC_API captured_context {
public:
    const std::string& id() const noexcept { return id_; }

private:
    friend MONARC_API captured_context capture();
    friend class resume_scope;
    std::string id_;
};
MONARC_API captured_context capture();

/// Makes a captured context this thread's, all levels guarded, for as long as it lives; then the
/// thread has again what it had before. Sends nothing by itself.
class MONARC_API resume_scope {
public:
    explicit resume_scope(const captured_context& from);
    resume_scope(const resume_scope&) = delete;
    resume_scope& operator=(const resume_scope&) = delete;
    ~resume_scope();

private:
    std::string before_;
    std::size_t guarded_before_ = 0;
    bool had_levels_ = false;
};

/// A std::jthread that runs in the context which is current where it is made; without one, in a
/// fresh one. Sends no class, but the global message.
class thread {
public:
    thread() noexcept = default;
    template <class Function, class... Arguments>
    requires(!std::same_as<std::remove_cvref_t<Function>, thread>) explicit thread(
        Function&& function, Arguments&&... arguments)
        : thread_(
              [id = full_context_id()]<class Body, class... Values>(
                  std::stop_token stop, Body&& body, Values&&... values) {
                  const context_scope scope(nullptr, id);
                  if constexpr (std::is_invocable_v<Body, std::stop_token, Values...>) {
                      std::invoke(
                          std::forward<Body>(body),
                          std::move(stop),
                          std::forward<Values>(values)...);
                  } else {
                      std::invoke(std::forward<Body>(body), std::forward<Values>(values)...);
                  }
              },
              std::forward<Function>(function),
              std::forward<Arguments>(arguments)...) {}

    bool joinable() const noexcept { return thread_.joinable(); }
    void join() { thread_.join(); }
    void detach() { thread_.detach(); }
    bool request_stop() noexcept { return thread_.request_stop(); }
    std::thread::id get_id() const noexcept { return thread_.get_id(); }

private:
    std::jthread thread_;
};

/// Where the lines of this header's functions go, each with its code (no_context, nested_init, …);
/// also those of the exporter that it starts, without one. Called on the thread that they are
/// about; must not call these functions. Empty: as at first.
///
/// At first: standard error, warnings and errors only; with MONA_PRINT_LOGS standard output, from
/// MONA_LOGGING_LEVEL up. A function set here is given whatever MONA_LOGGING_LEVEL lets through,
/// without it everything.
MONARC_API void set_log(log_function to);

struct log_settings {
    int level = 0;           ///< MONA_LOGGING_LEVEL; 0: not set
    int effective_level = 0; ///< level, or 30
    bool prints = false;     ///< MONA_PRINT_LOGS
};
MONARC_API log_settings logging();

namespace detail {

/// What a push to the current context reads of its thread.
struct current_context {
    monarc::detail::gate* exporter; ///< null: nothing is open, or the exporter not asked for yet
    const char* id;
    std::size_t id_bytes;
};
extern MONARC_API constinit thread_local current_context here
    __attribute__((tls_model("initial-exec")));

/// Starts the exporter if need be. Returns: false if nothing is open or everything is off.
MONARC_API bool find_exporter() noexcept;

template <field_like... Fields>
[[gnu::always_inline]] inline bool push_here(const Fields&... fields) noexcept {
    auto* const gate = here.exporter;
    if (!gate->enabled.load(std::memory_order_relaxed)) {
        return false;
    }
    const monarc::detail::destination_of_push to{
        gate, nullptr, {here.id, here.id_bytes}, monarc::detail::no_time};
    const auto shape = monarc::detail::shape_of<"", Fields...>::load();
    if (shape == 0) [[unlikely]] {
        return monarc::detail::refuse(to, reason::too_many_names);
    }
    return monarc::detail::push_fields(gate, to, shape, fields...);
}

} // namespace detail

/// Hands fields of the current context over and returns at once; of now, never refused for JSON.
/// The switch is obeyed as this process last saw it: the file at once, MONA_DISABLE_ALL since any
/// other function looked.
/// Returns: false if the record was rejected, nothing is open, or everything is off.
/// Cost:    as exporter::push with an id.
template <field_like... Fields>
[[gnu::always_inline]] inline bool push(Fields&&... fields) noexcept {
    monarc::detail::explain_fields<Fields...>();
    if (detail::here.exporter == nullptr && !detail::find_exporter()) [[unlikely]] {
        return false;
    }
    return detail::push_here(fields...);
}

} // namespace monarc::mona
