#pragma once

// How long a token is used, when the next one is asked for, and what a 401 says about it
// (delivery.md D-11.1 to 11.4), for whoever issues it. Pure: the time and random numbers in [0, 1)
// come in.

#include "core/outcome.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace monarc::auth {

class token_life {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // Of the token that came last; the first is 1, 0: none came yet.
    std::uint64_t generation() const noexcept { return generation_; }
    // Whether it may be sent.
    bool is_valid(time_point now) const noexcept { return has_token_ && now < expires_at_; }

    // Whether a login may begin: there is no token or it is old, none runs, and the wait after the
    // last one is over.
    bool is_due(time_point now) const noexcept { return !is_running_ && now >= due_at_; }
    time_point due_at() const noexcept { return due_at_; }
    bool is_running() const noexcept { return is_running_; }
    // Whether the last login did, or what it brought was of no use: due_at() is a wait after that.
    bool has_failed() const noexcept { return level_ != 0; }

    // A login is sent; one of the four below ends it.
    void begin(time_point now) noexcept;
    // `life`: what it lasts, counted from begin(); 0: for ever. `margin`: how long before its end
    // the next one is asked for, in the place of D-11.2's.
    void obtained(
        std::chrono::milliseconds life,
        double uniform,
        std::optional<std::chrono::milliseconds> margin = {}) noexcept;
    // `asked`: how long the service wants to be left alone (D-6.4).
    void failed(
        failure why, time_point now, double uniform, std::chrono::milliseconds asked = {}) noexcept;
    void abandoned() noexcept { is_running_ = false; }

    // 401 for what was sent with that generation. Returns: whether it is to be sent again at once;
    // else a token that was new because of a 401 was refused like the one before, and the next
    // login waits as a refused one.
    bool refused(std::uint64_t generation, time_point now, double uniform) noexcept;
    // Anything else than a 401.
    void accepted(std::uint64_t generation) noexcept;

    // Cuts the wait after a failure short.
    void retry_now() noexcept;
    // As far as the service has not asked for it (D-9.2).
    void cut_backoff() noexcept;

private:
    std::uint64_t generation_ = 0;
    bool has_token_ = false;
    bool is_running_ = false;
    bool is_asked_after_401_ = false; // the next one
    bool came_after_401_ = false;     // this one
    bool was_accepted_ = false;
    bool is_refused_for_good_ = false;
    int level_ = 0; // of failures
    time_point begun_at_{};
    time_point expires_at_{};
    time_point due_at_ = time_point::min();
    time_point asked_until_ = time_point::min(); // by the service, with Retry-After
};

} // namespace monarc::auth
