#include "auth/token_life.hpp"

#include "core/backoff.hpp"

#include <algorithm>
#include <cassert>

namespace monarc::auth {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr auto between_starts = 1s;

} // namespace

void token_life::begin(time_point now) noexcept {
    assert(!is_running_);
    is_running_ = true;
    begun_at_ = now;
}

void token_life::obtained(
    milliseconds life, double uniform, std::optional<milliseconds> margin) noexcept {
    assert(is_running_);
    is_running_ = false;
    ++generation_;
    has_token_ = true;
    was_accepted_ = is_refused_for_good_ = false;
    came_after_401_ = is_asked_after_401_;
    is_asked_after_401_ = false;
    level_ = 0;
    asked_until_ = time_point::min();
    if (life <= 0ms) {
        expires_at_ = due_at_ = time_point::max();
        return;
    }
    constexpr milliseconds longest = std::chrono::hours(24) * 365 * 10; // adding it never overflows
    life = std::min(life, longest);
    const auto usual = std::min(std::max<milliseconds>(120s, life / 10), life / 2);
    const auto before = std::clamp(margin.value_or(usual), milliseconds(0), life);
    const auto spread = std::chrono::duration_cast<milliseconds>(life * (uniform * 0.05));
    expires_at_ = begun_at_ + life;
    due_at_ = std::max<time_point>(expires_at_ - before - spread, begun_at_ + between_starts);
}

void token_life::failed(failure why, time_point now, double uniform, milliseconds asked) noexcept {
    assert(is_running_);
    is_running_ = false;
    // Whatever keeps a token service from answering, it waits as one.
    const auto waits = waits_of(why == failure::network ? failure::throttle : why, {});
    level_ = std::min(level_ + 1, top_level(waits));
    const auto wish = asked + std::chrono::ceil<milliseconds>(asked * (uniform / 10.0));
    asked_until_ = now + wish;
    due_at_ = std::max<time_point>(
        {now + wait_before_retry(waits, level_, uniform),
         begun_at_ + between_starts,
         asked_until_});
}

bool token_life::refused(std::uint64_t generation, time_point now, double uniform) noexcept {
    if (generation != generation_) { // there is a newer one
        return true;
    }
    if (has_token_) { // the first to notice
        has_token_ = false;
        is_refused_for_good_ = came_after_401_ && !was_accepted_;
        is_asked_after_401_ = true;
        due_at_ = std::max<time_point>(begun_at_ + between_starts, asked_until_);
        if (is_refused_for_good_) { // another one would be no better
            const auto waits = waits_of(failure::auth, {});
            level_ = std::min(level_ + 1, top_level(waits));
            due_at_ =
                std::max<time_point>(due_at_, now + wait_before_retry(waits, level_, uniform));
        }
    }
    return !is_refused_for_good_;
}

void token_life::accepted(std::uint64_t generation) noexcept {
    was_accepted_ = was_accepted_ || generation == generation_;
}

void token_life::retry_now() noexcept {
    asked_until_ = time_point::min();
    cut_backoff();
}

void token_life::cut_backoff() noexcept {
    if (level_ != 0) {
        due_at_ = std::max<time_point>(begun_at_ + between_starts, asked_until_);
    }
}

} // namespace monarc::auth
