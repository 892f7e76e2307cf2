#pragma once

// The configuration file: what it says, and when it says something else (mona-client.md section
// 8.1).

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

namespace monarc::mona_client {

struct switch_reading {
    bool is_off = false;         // unless the file says so: whatever is wrong means "on"
    std::string value = "false"; // of disable_all, as JSON
    std::string wrong;           // why the file says nothing; empty if it was read
};

// What a file with this content says.
switch_reading read_switch_text(std::string_view json);

// Reads the file at once, then whenever it may have changed, and says so in the log. Empty path: a
// file that says "on".
class switch_file {
public:
    explicit switch_file(std::string path);
    switch_file(const switch_file&) = delete;
    switch_file& operator=(const switch_file&) = delete;
    ~switch_file();

    const std::string& path() const noexcept { return path_; }
    bool is_off() const noexcept { return is_off_.load(std::memory_order_relaxed); }

    // Called on the watching thread after each reading. Set before watch().
    void (*on_reading)() = nullptr;

    void watch();
    // The last reading holds on.
    void stop() noexcept;
    // The same in a forked child, where the thread is not: the parent's goes on.
    void leave_to_parent() noexcept;

private:
    // What tells one state of a path from the next.
    struct fingerprint {
        unsigned long long words[6]{};
        friend bool operator==(const fingerprint&, const fingerprint&) = default;
    };

    fingerprint look() const noexcept;
    void read();
    void close_descriptors() noexcept;
    bool begin_watching();
    void run() noexcept;
    void read_again() noexcept;
    void wait_until_quiet() noexcept;
    void take_events() noexcept;

    std::string path_;
    std::string folder_; // empty: cannot be watched
    std::string name_;   // in it
    std::atomic<bool> is_off_{false};
    fingerprint seen_;
    bool is_watched_ = false; // the folder is still the one that events tell of
    bool was_named_ = false;  // by an event, since it was read
    int events_ = -1;
    int watched_ = -1;
    int stopping_ = -1;
    std::thread thread_;
};

} // namespace monarc::mona_client
