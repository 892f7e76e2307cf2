#include "monasca_client/asking.hpp"

#include "monasca_client/lost_exception.hpp"

#include <cassert>
#include <utility>

namespace monarc::monasca::detail {

asking::asking(std::shared_ptr<const call> what, exchange::continuation woken, time_point deadline)
    : what_(std::move(what)), deadline_(deadline), is_waited_for_(!woken),
      woken_(std::move(woken)) {}

answer<reply> asking::wait() {
    std::unique_lock guard(lock_);
    is_there_.wait(guard, [&] { return is_over_; });
    return std::move(*answer_);
}

answer<reply> asking::take() {
    const std::lock_guard guard(lock_);
    assert(answer_);
    return std::move(*answer_);
}

bool asking::drop() noexcept {
    exchange::continuation gone; // destroyed without the lock: it is the user's
    const std::lock_guard guard(lock_);
    is_dropped_ = true;
    gone.swap(woken_);
    return !answer_;
}

bool asking::is_dropped() const {
    const std::lock_guard guard(lock_);
    return is_dropped_;
}

void asking::put(answer<reply> got) {
    const std::lock_guard guard(lock_);
    answer_.emplace(std::move(got));
}

void asking::wake() noexcept {
    exchange::continuation woken;
    {
        const std::lock_guard guard(lock_);
        is_over_ = true;
        is_there_.notify_all(); // who waits owns this, and may be gone without the lock
        woken.swap(woken_);
    }
    if (woken) {
        monasca_client::call_out([&] { woken(*answer_); });
    }
}

} // namespace monarc::monasca::detail
