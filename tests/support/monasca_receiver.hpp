#pragma once

// A Monasca on loopback, in a thread of its own, that judges and keeps what it gets as `monarc
// sink` does, and answers as a script says: right, late, wrong or not at all. Keeps every request
// and every measurement.

#include "sink/held_port.hpp"
#include "sink/http_server.hpp"
#include "sink/monasca_api.hpp"
#include "sink/monasca_summary.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::support {

struct monasca_request {
    std::size_t number = 0; // the first is 1
    sink::http_request http{};
    std::chrono::steady_clock::time_point arrived{};
    int status = 0;         // what it was answered, or would have been; 0: raw bytes
    bool was_taken = false; // Monasca's code saw it
};

struct received_measurement {
    std::size_t request = 0; // its number
    std::string tenant{};
    sink::measurement what{};
};

// What the receiver does about a request that has arrived whole.
struct monasca_reaction {
    bool takes = true; // Monasca's code judges it, and keeps what is good
    std::optional<sink::http_response> instead{}; // of what that code says
    std::string raw{};                            // instead of any response, byte for byte
    std::chrono::milliseconds wait{0};            // before the answer
    bool is_silent = false;                       // no answer
    sink::http_answer::ending then = sink::http_answer::ending::as_asked;

    // The request comes to nothing.
    void refuse(int status, sink::http_fields fields = {}, std::string body = {}) {
        takes = false;
        instead = sink::http_response{status, std::move(fields), std::move(body)};
    }
    // The request is kept, and its sender never learns of it.
    void lose_answer(bool with_reset = false) {
        using ending = sink::http_answer::ending;
        is_silent = true;
        then = with_reset ? ending::reset : ending::close;
    }
    // Neither answered nor closed.
    void stall() {
        is_silent = true;
        then = sink::http_answer::ending::stall;
    }
};

struct monasca_settings {
    sink::monasca_options monasca{};
    std::chrono::milliseconds keep_alive{60'000}; // zero: each response closes the connection
    sink::http_limits limits{};                   // without the keep_alive in them
};

// Threads: any; hooks run on the receiver's thread and may not call it.
class monasca_receiver {
public:
    using request_hook = std::function<void(const monasca_request&, monasca_reaction&)>;

    // Takes a port; refuses connections until start().
    explicit monasca_receiver(monasca_settings settings = {});
    ~monasca_receiver();
    monasca_receiver(const monasca_receiver&) = delete;
    monasca_receiver& operator=(const monasca_receiver&) = delete;

    std::uint16_t port() const noexcept { return port_.port(); }
    std::string url() const; // http://127.0.0.1:port/v2.0

    // Only while it is stopped.
    void on_request(request_hook hook) { on_request_ = std::move(hook); }

    void start();
    // Closes all connections; then connects are refused. What was received stays.
    void stop();

    std::vector<monasca_request> requests() const;
    std::vector<received_measurement> measurements() const;
    std::size_t connections() const;

    // Counts and exact sums by name, violations, responses: all that `monarc sink` would print.
    sink::monasca_summary summary() const;

    // Returns: false when the time is over before.
    bool wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const;
    bool wait_for_measurements(std::size_t count, std::chrono::milliseconds timeout) const;

private:
    sink::http_answer serve(const sink::http_request& http);

    monasca_settings settings_;
    request_hook on_request_;
    sink::held_port port_;
    std::size_t serving_ = 0; // the server's thread: number of the request it is at
    std::size_t past_connections_ = 0;

    mutable std::mutex lock_;
    mutable std::condition_variable changed_;
    std::vector<monasca_request> requests_;
    std::vector<received_measurement> measurements_;

    std::unique_ptr<sink::monasca_api> api_;
    std::unique_ptr<sink::http_server> server_; // destroyed first
};

} // namespace monarc::support
