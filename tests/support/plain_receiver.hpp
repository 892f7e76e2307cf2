#pragma once

// A forward receiver on the loopback for tests of the exporter: reads messages, counts what is in
// them, acknowledges or stays silent. One thread of its own; it knows nothing of the exporter.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

namespace support {

class plain_receiver {
public:
    enum class manner { acknowledges, is_silent };

    // Counted before the acknowledgement is written; a message that came before counts as repeated
    // only.
    struct counts {
        std::uint64_t connections = 0;
        std::uint64_t ended = 0;  ///< connections that the peer closed
        std::uint64_t resets = 0; ///< connections that broke off
        std::uint64_t malformed = 0;
        std::uint64_t messages = 0;
        std::uint64_t repeated = 0;
        std::uint64_t fields = 0; ///< of all events but the class messages
    };

    explicit plain_receiver(manner m = manner::acknowledges);
    plain_receiver(const plain_receiver&) = delete;
    plain_receiver& operator=(const plain_receiver&) = delete;
    ~plain_receiver();

    std::uint16_t port() const noexcept { return port_; }
    counts seen() const;

private:
    struct peer;

    void run();
    bool serve(peer& from);
    void take_message(peer& from, std::string_view message);

    std::uint16_t port_ = 0;
    int listening_ = -1;
    int stopping_ = -1;
    bool acknowledges_;
    mutable std::mutex lock_;
    counts counts_;
    std::unordered_set<std::string> chunks_;
    std::thread thread_;
};

} // namespace support
