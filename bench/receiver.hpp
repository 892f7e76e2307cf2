#pragma once

// A forward receiver in a process of its own that reads and acknowledges as cheaply as it can: it
// knows the frame of a message, and skips the events.

#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace monarc::bench {

class receiver {
public:
    // Forks. Call before the program has a thread. Fails: throws std::system_error.
    receiver();
    ~receiver();
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;

    std::uint16_t port() const noexcept { return port_; }

    // Read off the socket so far, frames included.
    std::uint64_t bytes() const noexcept { return shared_->bytes.load(); }
    // Events that were acknowledged, as the messages say.
    std::uint64_t events() const noexcept { return shared_->events.load(); }

private:
    struct counts {
        std::atomic<std::uint64_t> bytes;
        std::atomic<std::uint64_t> events;
    };

    void serve(int listener) noexcept;
    void serve_one(int socket) noexcept;

    counts* shared_ = nullptr;
    std::uint16_t port_ = 0;
    pid_t child_ = -1;
};

} // namespace monarc::bench
