#include "mona_client/process_client.hpp"

#include "core/clock.hpp"
#include "encode/json_reader.hpp"
#include "mona_client/client_log.hpp"
#include "mona_client/environment.hpp"
#include "pipeline/exporter_access.hpp"
#include "pipeline/process_exporter.hpp"
#include "queue/record_queue.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace monarc::mona_client {
namespace {

constexpr std::string_view certificate_name = "raw.monalabs.io"; // mona-client.md section 3.2

// Lines of the exporter that this client starts.
void say_line_of_exporter(const log_line& line) {
    say(line.level, line.code, line.text);
}

exporter_options exporter_options_of(mona::client_options& options) {
    auto made = std::move(options.exporter);
    auto& forward = options.forward;
    if (forward.use_tls && forward.server_name.empty()) {
        forward.server_name = certificate_name;
    }
    made.mona = std::move(forward);
    const auto slots = (options.queue_size + queue::block_slots - 1) / queue::block_slots;
    made.queue.capacity = std::max(made.queue.capacity, slots * queue::block_slots);
    made.memory_limit =
        std::max(made.memory_limit, 2 * made.queue.capacity * monarc::detail::slot_bytes);
    if (!made.log) {
        made.log = say_line_of_exporter;
    }
    return made;
}

} // namespace

process_client& process_client::instance() {
    static auto* const one = new process_client;
    return *one;
}

process_client::process_client() {
    queue::record_queue::handle_forks(); // the exporter is started under loading_
    ::pthread_atfork(&before_fork, &in_parent, &in_child);
}

// Nobody may hold one of our locks while the process is copied.
void process_client::before_fork() {
    auto& client = instance();
    client.loading_.lock();
    client.switching_.lock();
    client.global_lock_.lock();
    lock_log();
}
void process_client::in_parent() {
    auto& client = instance();
    unlock_log();
    client.global_lock_.unlock();
    client.switching_.unlock();
    client.loading_.unlock();
}
void process_client::in_child() {
    auto& client = instance();
    client.is_unwatched_.store(!client.files_.empty(), std::memory_order_relaxed);
    in_parent();
}

void process_client::load() {
    if (is_loaded_.load(std::memory_order_acquire)) {
        return;
    }
    const std::lock_guard hold(loading_);
    if (is_loaded_.load(std::memory_order_relaxed)) {
        return;
    }
    auto reading = read_environment();
    set_log_options(reading.options.logging_level, reading.options.print_logs);
    say_bad_level(reading);
    adopt(reading.options);
    if (!reading.wrong.empty()) {
        throw std::system_error(errc::bad_options, reading.wrong);
    }
    options_ = std::move(reading.options);
    is_loaded_.store(true, std::memory_order_release);
}

// Under loading_. A file that is watched already goes on being watched.
void process_client::adopt(const mona::client_options& options) {
    set_log_options(options.logging_level, options.print_logs);
    raises_.store(options.raise_exceptions, std::memory_order_relaxed);
    if (!files_.empty() && files_.back()->path() == options.config_file &&
        !is_unwatched_.load(std::memory_order_relaxed)) {
        return;
    }
    watch(options.config_file);
    if (is_said(log_level::debug)) {
        const auto& ca_file = options.exporter.tls.ca_file;
        say(log_level::debug,
            "cert_in_use",
            fmt::format(
                "mona: with TLS the receiver is trusted by {}",
                ca_file.empty() ? "the system's store" : ca_file));
    }
}

// Under loading_. In the place of the file before.
void process_client::watch(const std::string& path) {
    encode::prepare_to_read_json();
    // The watching thread must not be there any more when the process comes apart.
    static const bool is_registered = std::atexit([] {
                                          auto& client = instance();
                                          if (client.process_ == ::getpid()) {
                                              const std::lock_guard hold(client.loading_);
                                              client.files_.back()->stop();
                                          }
                                      }) == 0;
    (void)is_registered;
    auto made = std::make_unique<switch_file>(path);
    files_.reserve(files_.size() + 1); // first what can fail
    if (!files_.empty()) {
        is_unwatched_.exchange(false, std::memory_order_relaxed) ? files_.back()->leave_to_parent()
                                                                 : files_.back()->stop();
    }
    auto& fresh = *files_.emplace_back(std::move(made));
    fresh.on_reading = [] { instance().obey_switch(); };
    process_ = ::getpid();
    switch_.store(&fresh, std::memory_order_release);
    fresh.watch();
    obey_switch();
}

// In a child that was forked before the exporter was started, and so may start its own. Else it is
// inert, and the file of no interest.
void process_client::watch_again() noexcept {
    try {
        const std::lock_guard hold(loading_);
        if (is_unwatched_.load(std::memory_order_relaxed) && exporter_.load() == nullptr) {
            const auto path = files_.back()->path();
            watch(path);
        }
        is_unwatched_.store(false, std::memory_order_relaxed);
    } catch (...) { // no memory for it: the next call tries again
    }
}

bool process_client::is_off() noexcept {
    if (is_unwatched_.load(std::memory_order_relaxed)) [[unlikely]] {
        watch_again();
    }
    const char* const variable = std::getenv("MONA_DISABLE_ALL");
    const bool is_env_off = variable != nullptr && *variable != '\0';
    if (is_env_off_.load(std::memory_order_relaxed) != is_env_off) {
        is_env_off_.store(is_env_off, std::memory_order_relaxed);
    }
    if (was_off_.load(std::memory_order_relaxed) != is_switched_off()) { // seldom: no lock else
        obey_switch();
    }
    return was_off_.load(std::memory_order_relaxed);
}

bool process_client::is_switched_off() const noexcept {
    const auto* const file = switch_.load(std::memory_order_acquire);
    return is_env_off_.load(std::memory_order_relaxed) || (file != nullptr && file->is_off());
}

// The exporter is touched at a change only: the application may switch it off, too.
void process_client::obey_switch() noexcept {
    const std::lock_guard hold(switching_);
    const bool is_off = is_switched_off();
    if (was_off_.exchange(is_off, std::memory_order_relaxed) != is_off) {
        if (auto* const running = exporter_.load(std::memory_order_acquire)) {
            running->set_enabled(!is_off);
        }
    }
}

void process_client::set_up(mona::client_options options) {
    const std::lock_guard hold(loading_);
    if (exporter_.load(std::memory_order_relaxed) != nullptr) {
        say(log_level::warning,
            "already_inited",
            "mona: init_client: the client is set up already, by an earlier call or the first "
            "export; nothing changed");
        return;
    }
    if (!is_loaded_.load(std::memory_order_relaxed)) {
        adopt(options);
        options_ = options;
        is_loaded_.store(true, std::memory_order_release);
    } else {
        adopt(options);
    }
    start_exporter(std::move(options));
}

// Under loading_.
void process_client::start_exporter(mona::client_options options) {
    say(log_level::debug, "client_starting", "mona: starting the exporter");
    if (options.queue_circular) {
        say(log_level::warning,
            "",
            "mona: MONA_QUEUE_CIRCULAR is ignored: a full queue rejects what comes, it never "
            "throws "
            "away the oldest");
    }
    if (auto* const running = pipeline::running_process_exporter()) {
        say(log_level::warning,
            "already_inited",
            "mona: the exporter of the process runs already, by start_from_env(); it is used as it "
            "is");
        use(*running);
    } else {
        use(pipeline::start_process_exporter(exporter_options_of(options)));
    }
}

void process_client::use(exporter& e) noexcept {
    const std::lock_guard hold(switching_);
    exporter_.store(&e, std::memory_order_release);
    if (was_off_.load(std::memory_order_relaxed)) {
        e.set_enabled(false);
    }
    gate_.store(monarc::detail::exporter_access::gate_of(e), std::memory_order_release);
}

monarc::detail::gate* process_client::start() noexcept {
    if (auto* const there = gate()) {
        return there;
    }
    try {
        load();
        const std::lock_guard hold(loading_);
        if (gate() == nullptr && !cannot_start_) {
            cannot_start_ = true;
            start_exporter(options_);
            cannot_start_ = false;
        }
        return gate();
    } catch (const std::exception& error) {
        say(log_level::warning,
            "send_failed",
            fmt::format(
                "mona: cannot start the exporter: {}; exports are rejected until init_client() is "
                "called with other options",
                error.what()));
    } catch (...) {
    }
    return nullptr;
}

std::int64_t process_client::now() const noexcept {
    if (auto* const clock = clock_.load(std::memory_order_relaxed)) {
        return static_cast<std::int64_t>(clock());
    }
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
}

void process_client::set_global_message(std::string packed) {
    auto fresh = packed.empty() ? nullptr : std::make_shared<const std::string>(std::move(packed));
    const std::lock_guard hold(global_lock_);
    global_.swap(fresh);
}

std::shared_ptr<const std::string> process_client::global_message() {
    const std::lock_guard hold(global_lock_);
    return global_;
}

mona::export_result process_client::hand_over(
    std::string_view id, const message_fields& fields, const export_time& when) {
    auto* const to = start();
    bool is_accepted = false;
    if (to != nullptr) {
        if (!to->enabled.load(std::memory_order_relaxed)) {
            return mona::export_result::refused;
        }
        auto facts = fields.facts;
        facts.class_shape = monarc::detail::shape_of<"">::load();
        facts.has_times = true;
        facts.pushed = now();
        facts.seconds = when.seconds.value_or(facts.pushed);
        is_accepted = static_cast<queue::record_queue*>(to)->push_fields(fields.body, id, facts);
        if (!is_accepted && fields.body.size() > queue::max_fields_bytes) {
            say(log_level::warning,
                "send_failed",
                fmt::format(
                    "mona: a message of {} bytes is rejected (oversize): a payload holds {}; "
                    "export "
                    "it in parts",
                    fields.body.size(),
                    queue::max_fields_bytes));
        }
    }
    if (!is_accepted && raises()) {
        throw mona::export_error("mona: the export was rejected: the exporter is closed, its queue "
                                 "is full, or the message "
                                 "is too large; its statistics say which");
    }
    return is_accepted ? mona::export_result::accepted : mona::export_result::rejected;
}

void process_client::close() {
    say(log_level::info, "close_called", "mona: close");
    auto* const running = exporter_.load(std::memory_order_acquire);
    if (running == nullptr) {
        return;
    }
    say(log_level::info, "closing_sender", "mona: closing the exporter");
    const auto begun = std::chrono::steady_clock::now();
    pipeline::close_process_exporter();
    const auto took = std::chrono::steady_clock::now() - begun;
    say(log_level::info,
        "closing_took",
        fmt::format("mona: closing took {:.3f} s", std::chrono::duration<double>(took).count()));
}

} // namespace monarc::mona_client
