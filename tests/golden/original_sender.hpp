#pragma once

// What mona-client.md section 9 says that the original's sender makes of a script: which calls
// report success, and what arrives over which connection.

#include "golden/recorded_value.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

class original_sender {
public:
    explicit original_sender(const json_value& recording);

    // Returns: whether the call reports success.
    bool send(const std::string& event);
    // server_… and sleep.
    void step(std::string_view op);
    void close();

    // In order of acceptance, each with its events.
    const std::vector<std::vector<std::string>>& connections() const noexcept {
        return connections_;
    }
    std::size_t failed_handshakes() const noexcept { return failed_handshakes_; }

    // False where section 9 leaves it to the course of time, or to what the peers make of foreign
    // bytes.
    bool is_certain() const noexcept { return is_certain_; }

private:
    enum class receiver { understands, refuses, is_elsewhere, is_another };

    bool write_kept();
    bool write_or_keep(const std::string& event);
    bool queue(const std::string& event);

    receiver receiver_;
    bool blocks_;
    bool is_circular_;
    std::size_t queue_size_;
    bool is_up_;
    bool reads_ = true;
    bool is_connected_ = false;
    bool is_dropped_ = false; // connected, but the peer is gone
    bool is_closed_ = false;
    bool has_just_sent_ = false; // so that its thread may not have seen it yet
    bool is_certain_ = true;
    bool is_stuck_ = false; // its thread, in one that does not go out
    std::deque<std::string> queue_;
    std::vector<std::string> kept_;
    std::vector<std::vector<std::string>> connections_;
    std::size_t failed_handshakes_ = 0;
};

} // namespace monarc::golden
