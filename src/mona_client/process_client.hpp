#pragma once

// What the functions of mona_client share in a process: options, the switch, the exporter, the
// global message.

#include "mona_client/export_time.hpp"
#include "mona_client/message_fields.hpp"
#include "mona_client/switch_file.hpp"

#include <monarc/mona_client.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::mona_client {

// Threads: any.
class process_client {
public:
    // Constructed at the first use and never destroyed.
    static process_client& instance();

    // Reads the environment, once; every function of the client calls it first. Fails: throws
    // std::system_error(errc::bad_options); the next call tries again.
    void load();

    // The options of the environment, for who changes some before the client is set up.
    mona::client_options& options() noexcept { return options_; }

    void set_up(mona::client_options options);

    // Asked at every call (mona-client.md section 8).
    bool is_off() noexcept;

    // Starts the exporter if nobody has. Null: it cannot be started, which was logged.
    monarc::detail::gate* start() noexcept;
    monarc::detail::gate* gate() const noexcept { return gate_.load(std::memory_order_acquire); }

    // Of the current second: what "now" means everywhere.
    std::int64_t now() const noexcept;
    // In the place of the wall clock: for recordings that are played with a clock of their own.
    void set_clock(double (*seconds_since_1970)()) noexcept { clock_ = seconds_since_1970; }

    void raise_exceptions(bool on) noexcept { raises_ = on; }
    bool raises() const noexcept { return raises_; }

    // MessagePack of an object; empty: none.
    void set_global_message(std::string packed);
    std::shared_ptr<const std::string> global_message();

    mona::export_result
    hand_over(std::string_view id, const message_fields& fields, const export_time& when);

    void close();

private:
    process_client();
    static void before_fork();
    static void in_parent();
    static void in_child();

    void adopt(const mona::client_options& options);
    void watch(const std::string& path);
    void watch_again() noexcept;
    void start_exporter(mona::client_options options);
    void use(exporter& e) noexcept;
    bool is_switched_off() const noexcept;
    void obey_switch() noexcept;

    std::mutex loading_; // and setting up
    std::atomic<bool> is_loaded_{false};
    mona::client_options options_;
    std::vector<std::unique_ptr<switch_file>> files_; // the last one counts; any may be looked at
    std::atomic<switch_file*> switch_{nullptr};
    std::atomic<bool> is_unwatched_{false}; // the thread that watched is not in this process
    std::atomic<bool> is_env_off_{false};
    std::mutex switching_; // so that what was seen last holds
    std::atomic<bool> was_off_{false};
    std::atomic<bool> raises_{false};
    std::atomic<double (*)()> clock_{nullptr};
    std::atomic<exporter*> exporter_{nullptr};
    std::atomic<monarc::detail::gate*> gate_{nullptr};
    bool cannot_start_ = false; // by the options of the environment
    int process_ = 0;           // whose watching thread it is
    std::mutex global_lock_;
    std::shared_ptr<const std::string> global_;
};

} // namespace monarc::mona_client
