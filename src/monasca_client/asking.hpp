#pragma once

// One call that was sent: shared by the request that waits for its answer and the client's thread.

#include "monasca_client/stopping.hpp"

#include <monarc/monasca_request.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace monarc::monasca::detail {

class asking {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Without `woken` somebody waits.
    asking(std::shared_ptr<const call> what, exchange::continuation woken, time_point deadline);
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;

    const call& what() const noexcept { return *what_; }
    time_point deadline() const noexcept { return deadline_; }

    // --- any thread ---
    // Waits for the answer.
    answer<reply> wait();
    // The answer that is there.
    answer<reply> take();
    // Nobody wants the answer any more. Returns: whether it was still to come.
    bool drop() noexcept;
    bool is_dropped() const;

    // --- the client's thread ---
    monasca_client::stopping& stop() noexcept { return stop_; }
    void put(answer<reply> got);
    bool is_waited_for() const noexcept { return is_waited_for_; }

    // --- the client's thread, or where client_options::resume leads ---
    // Wakes who wants the answer that was put.
    void wake() noexcept;

private:
    const std::shared_ptr<const call> what_;
    const time_point deadline_;
    const bool is_waited_for_;
    monasca_client::stopping stop_;

    mutable std::mutex lock_;
    std::condition_variable is_there_;
    exchange::continuation woken_;
    std::optional<answer<reply>> answer_;
    bool is_over_ = false; // was woken, or has only to wake up
    bool is_dropped_ = false;
};

} // namespace monarc::monasca::detail
