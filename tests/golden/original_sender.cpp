#include "golden/original_sender.hpp"

#include "golden/recorded_setup.hpp"

#include <charconv>

namespace monarc::golden {
namespace {

constexpr std::size_t most_kept = std::size_t{1} << 20;
constexpr std::size_t fills_any_socket = std::size_t{16} << 20;
constexpr std::size_t default_queue_size = 200;

std::size_t queue_size_of(const json_value& recording) {
    auto size = default_queue_size;
    const auto text = variable(recording, "MONA_QUEUE_SIZE");
    std::from_chars(text.data(), text.data() + text.size(), size);
    return size;
}

} // namespace

original_sender::original_sender(const json_value& recording)
    : blocks_(switch_of(recording, "MONA_BLOCKING", true)),
      is_circular_(switch_of(recording, "MONA_QUEUE_CIRCULAR", false)),
      queue_size_(queue_size_of(recording)), is_up_(is_up_at_first(recording)) {
    const auto tls = tls_of_server(recording);
    receiver_ = !is_receiver_here(recording)           ? receiver::is_elsewhere
                : use_tls(recording) != !tls.empty()   ? receiver::is_another
                : tls == "other" || tls == "othername" ? receiver::refuses
                                                       : receiver::understands;
    is_certain_ = receiver_ != receiver::is_another;
}

// Returns: false if the connection fails, which closes it.
bool original_sender::write_kept() {
    if (is_connected_ && is_dropped_) {
        is_connected_ = is_dropped_ = false;
        return false;
    }
    if (!is_connected_) {
        if (!is_up_ || receiver_ == receiver::is_elsewhere) {
            return false;
        }
        connections_.emplace_back();
        if (receiver_ == receiver::refuses) {
            ++failed_handshakes_;
            return false;
        }
        is_connected_ = true;
    }
    connections_.back().insert(connections_.back().end(), kept_.begin(), kept_.end());
    kept_.clear();
    return true;
}

bool original_sender::write_or_keep(const std::string& event) {
    const bool had_kept = !kept_.empty();
    kept_.push_back(event);
    if (write_kept()) {
        return true;
    }
    std::size_t bytes = 0;
    for (const auto& one : kept_) {
        bytes += one.size();
    }
    if (had_kept && bytes > most_kept) {
        kept_.clear();
    }
    return false;
}

bool original_sender::queue(const std::string& event) {
    has_just_sent_ = true;
    if (!is_stuck_) {
        write_or_keep(event);
        is_stuck_ = is_connected_ && !reads_ && event.size() > fills_any_socket;
        return true;
    }
    if (queue_.size() == queue_size_) {
        is_certain_ = is_certain_ && is_circular_; // else the caller waits for the socket
        queue_.pop_front();
    }
    queue_.push_back(event);
    return true;
}

bool original_sender::send(const std::string& event) {
    if (is_closed_) {
        return false;
    }
    is_certain_ = is_certain_ && (reads_ || !blocks_ || event.size() < most_kept);
    return blocks_ ? write_or_keep(event) : queue(event);
}

void original_sender::step(std::string_view op) {
    if (op == "sleep") {
        has_just_sent_ = false;
        return;
    }
    // Its thread and the receiver race.
    const bool is_race = !blocks_ && has_just_sent_ && op != "server_resume_reading";
    is_certain_ = is_certain_ && !is_race;
    if (op == "server_pause_reading" || op == "server_resume_reading") {
        reads_ = op == "server_resume_reading";
        is_stuck_ = is_stuck_ && !reads_;
        for (; reads_ && !queue_.empty(); queue_.pop_front()) {
            write_or_keep(queue_.front());
        }
        return;
    }
    is_up_ = op == "server_start" || (is_up_ && op != "server_stop");
    is_dropped_ = is_connected_ && (is_dropped_ || op != "server_start");
}

void original_sender::close() {
    if (is_closed_) {
        return;
    }
    if (blocks_ && !kept_.empty()) {
        write_kept();
    }
    is_certain_ = is_certain_ && queue_.empty();
    is_closed_ = true;
}

} // namespace monarc::golden
