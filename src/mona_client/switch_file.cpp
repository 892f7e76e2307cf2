#include "mona_client/switch_file.hpp"

#include "core/start_thread.hpp"
#include "core/text_file.hpp"
#include "encode/json_writer.hpp"
#include "encode/msgpack_reader.hpp"
#include "mona_client/client_log.hpp"
#include "mona_client/message_fields.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace monarc::mona_client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_file_bytes = std::size_t{1} << 20;
constexpr std::string_view member = "disable_all";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

constexpr auto quiet = 20ms;          // a file is read once nothing has happened for so long
constexpr auto longest_noise = 200ms; // or at the latest then
constexpr auto look_interval = 500ms; // where no event tells of a change

int poll_once(int first, int second, std::chrono::milliseconds timeout) noexcept {
    pollfd both[2] = {
        {.fd = first, .events = POLLIN, .revents = 0},
        {.fd = second, .events = POLLIN, .revents = 0}};
    const auto ready = ::poll(both, 2, static_cast<int>(timeout.count()));
    return ready <= 0 ? 0 : (both[0].revents != 0 ? 1 : 0) | (both[1].revents != 0 ? 2 : 0);
}

} // namespace

switch_reading read_switch_text(std::string_view json) {
    switch_reading reading;
    if (json.starts_with(byte_order_mark)) {
        reading.wrong = "begins with a byte order mark";
        return reading;
    }
    const auto packed = read_value(json);
    if (!packed || !is_object(*packed)) {
        reading.wrong = packed ? "is JSON, but no object" : "is no JSON";
        return reading;
    }
    encode::msgpack_reader reader(*packed);
    std::uint32_t pairs = 0;
    (void)reader.read_map(pairs);
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view key;
        std::string_view value;
        (void)reader.read_text(key);
        (void)reader.skip(value, encode::max_own_depth);
        if (key == member) {
            reading.is_off = is_truthy(value);
            reading.value.clear();
            encode::put_json_packed(reading.value, value);
        }
    }
    return reading;
}

switch_file::switch_file(std::string path) : path_(std::move(path)) {
    if (const auto slash = path_.rfind('/'); slash != path_.npos) {
        folder_ = path_.substr(0, slash == 0 ? 1 : slash);
        name_ = path_.substr(slash + 1);
    }
    seen_ = look();
    read();
}

switch_file::~switch_file() {
    stop();
}

void switch_file::stop() noexcept {
    if (thread_.joinable()) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(stopping_, &one, sizeof one);
        thread_.join();
    }
    close_descriptors();
}

// Nothing is written to what both have, and the thread's object, which cannot be joined, stays.
void switch_file::leave_to_parent() noexcept {
    close_descriptors();
}

void switch_file::close_descriptors() noexcept {
    for (auto* const fd : {&events_, &stopping_}) {
        if (*fd >= 0) {
            ::close(std::exchange(*fd, -1));
        }
    }
}

void switch_file::read() {
    say(log_level::info, "config_reading", "mona: reading the configuration file");
    switch_reading reading;
    if (!path_.empty()) {
        const auto file = read_text_file(path_, max_file_bytes);
        reading = file.wrong.empty() ? read_switch_text(file.text) : switch_reading{};
        if (!file.wrong.empty()) {
            reading.wrong = file.wrong;
        } else if (!reading.wrong.empty()) {
            reading.wrong = fmt::format("{}: {}", path_, reading.wrong);
        }
    }
    if (!reading.wrong.empty()) {
        say(log_level::warning,
            "config_unreadable",
            fmt::format(
                "mona: configuration file {}; exporting is on; write {{\"disable_all\": true}} to "
                "turn it off",
                reading.wrong));
    }
    is_off_.store(reading.is_off, std::memory_order_relaxed);
    say(log_level::info,
        "config_now",
        reading.is_off ? "mona: everything is off" : "mona: exporting is on",
        {{.name = member, .value = reading.value}});
}

bool switch_file::begin_watching() {
    if (folder_.empty()) {
        errno = EINVAL;
        return false;
    }
    if (events_ < 0) {
        events_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    }
    watched_ = events_ < 0
                   ? -1
                   : ::inotify_add_watch(
                         events_,
                         folder_.c_str(),
                         IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    is_watched_ = watched_ >= 0;
    return is_watched_;
}

void switch_file::watch() {
    say(log_level::info, "config_watching", "mona: watching the configuration file");
    if (!path_.empty()) {
        if (!begin_watching() || (stopping_ = ::eventfd(0, EFD_CLOEXEC)) < 0) {
            const auto why = folder_.empty() ? std::string("has no folder; write ./ before it")
                                             : std::system_category().message(errno);
            say(log_level::warning,
                "config_watch_failed",
                fmt::format("mona: configuration file {}: {}; it is not watched", path_, why));
            return;
        }
        try {
            thread_ = start_thread([this] { run(); });
            ::pthread_setname_np(thread_.native_handle(), "monarc-switch");
        } catch (const std::system_error& error) {
            say(log_level::warning,
                "config_watch_failed",
                fmt::format(
                    "mona: configuration file {}: {}; it is not watched", path_, error.what()));
        }
    }
}

// What a link leads to counts, so that one that is swapped is noticed.
switch_file::fingerprint switch_file::look() const noexcept {
    struct stat found {};
    if (path_.empty() || ::stat(path_.c_str(), &found) != 0) {
        return {};
    }
    return {
        {found.st_dev,
         found.st_ino,
         static_cast<unsigned long long>(found.st_size),
         static_cast<unsigned long long>(found.st_mtim.tv_sec),
         static_cast<unsigned long long>(found.st_mtim.tv_nsec),
         static_cast<unsigned long long>(found.st_ctim.tv_nsec) | 1}};
}

void switch_file::take_events() noexcept {
    alignas(inotify_event) char buffer[4096];
    while (true) {
        const auto got = ::read(events_, buffer, sizeof buffer);
        if (got <= 0) {
            return;
        }
        for (auto at = std::size_t{0}; at < static_cast<std::size_t>(got);) {
            const auto* const event = reinterpret_cast<const inotify_event*>(buffer + at);
            is_watched_ = is_watched_ && (event->mask & (IN_IGNORED | IN_MOVE_SELF)) == 0;
            was_named_ = was_named_ || (event->len != 0 && name_ == event->name);
            at += sizeof(inotify_event) + event->len;
        }
    }
}

void switch_file::wait_until_quiet() noexcept {
    const auto latest = std::chrono::steady_clock::now() + longest_noise;
    while (poll_once(events_, stopping_, quiet) == 1 && std::chrono::steady_clock::now() < latest) {
        take_events();
    }
}

void switch_file::read_again() noexcept {
    try {
        const auto now = look();
        if (now != seen_ || std::exchange(was_named_, false)) {
            seen_ = now;
            read();
            if (on_reading != nullptr) {
                on_reading();
            }
        }
    } catch (...) { // no memory for it: the next change is read
    }
}

// Events tell of the file's folder; a link may lead elsewhere, and the folder itself may be
// replaced: then the file is looked at now and then.
void switch_file::run() noexcept {
    while (true) {
        read_again();
        struct stat found {};
        const bool is_link = ::lstat(path_.c_str(), &found) == 0 && S_ISLNK(found.st_mode);
        const auto what = poll_once(
            is_watched_ ? events_ : -1,
            stopping_,
            is_watched_ && !is_link ? std::chrono::milliseconds(-1) : look_interval);
        if ((what & 2) != 0) {
            return;
        }
        if (what == 1) {
            take_events();
            wait_until_quiet();
        }
        if (!is_watched_) {
            if (watched_ >= 0) {
                ::inotify_rm_watch(events_, watched_);
            }
            begin_watching();
            take_events(); // what the old watch had to say
            is_watched_ = watched_ >= 0;
        }
    }
}

} // namespace monarc::mona_client
