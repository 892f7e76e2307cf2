#include "delivery/delivery.hpp"

#include "core/backoff.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace monarc::delivery {
delivery_list::delivery_list(const delivery_settings& settings)
    : settings_(settings), working_bytes_(settings.max_payload_bytes) {}

void delivery_list::append(payload&& sealed, time_point now) {
    auto shared = std::make_shared<const payload>(std::move(sealed));
    items_.push_back({.what = std::move(shared), .sequence = last_sequence_ + 1, .sealed_at = now});
    ++last_sequence_;
    const auto& added = *items_.back().what;
    ++counts_.payloads;
    counts_.payload_bytes += added.plain_bytes;
    counts_.wire_bytes += added.wire_bytes();
    records_ += added.records;
    memory_bytes_ += added.memory_bytes();
}

void delivery_list::set_state(item& one, item_state to) {
    if ((one.state == item_state::ready) != (to == item_state::ready)) {
        const bool leaves = to == item_state::ready;
        in_flight_records_ += leaves ? -one.what->records : one.what->records;
        in_flight_payloads_ += leaves ? -std::size_t{1} : std::size_t{1};
        in_flight_bytes_ += leaves ? -one.what->memory_bytes() : one.what->memory_bytes();
    }
    one.state = to;
}

std::optional<delivery_list::attempt> delivery_list::next(time_point now) {
    if (items_.empty() || is_waiting(now)) {
        return std::nullopt;
    }
    const auto allowed = is_probing_ ? 1 : settings_.max_in_flight;
    if (in_flight_payloads_ >= allowed) {
        return std::nullopt;
    }
    auto candidate = std::find_if(items_.begin(), items_.end(), [](const item& one) {
        return one.state == item_state::ready;
    });
    if (!settings_.is_ordered) {
        candidate = std::find_if(candidate, items_.end(), may_go);
    }
    const auto other = suspect_ != nullptr && detour_ == 0 ? other_than_suspect() : items_.end();
    const bool is_detour = other != items_.end();
    candidate = is_detour ? other : candidate;
    if (candidate == items_.end() || !may_go(*candidate)) {
        return std::nullopt;
    }
    if (in_flight_payloads_ != 0 &&
        in_flight_bytes_ + candidate->what->memory_bytes() > settings_.max_in_flight_bytes) {
        return std::nullopt;
    }
    candidate->attempt = ++last_attempt_;
    candidate->epoch = epoch_;
    set_state(*candidate, item_state::in_flight);
    detour_ = is_detour ? candidate->attempt : detour_;
    ++counts_.attempts;
    if (candidate->searched && !is_detour) {
        ++candidate->searched->attempts;
    }
    return attempt{.number = candidate->attempt, .what = candidate->what};
}

delivery_list::iterator delivery_list::remove(iterator one) {
    set_state(*one, item_state::ready);
    records_ -= one->what->records;
    memory_bytes_ -= one->what->memory_bytes();
    mark_to_cut(*one, cut_reason::none);
    to_send_plain_ -= one->to_send_plain ? 1 : 0;
    suspect_ = suspect_ == &*one ? nullptr : suspect_;
    release_twin(*one);
    parts_of_searches_ -= one->searched ? 1 : 0;
    return items_.erase(one);
}

// D-3.3: counted first, removed after.
delivery_list::iterator delivery_list::settle(
    iterator one, std::uint64_t delivery_counts::*to, std::uint64_t settled::*to_watch) {
    counts_.*to += one->what->records;
    tell_watches(*one, to_watch, one->what->records);
    return remove(one);
}

void delivery_list::tell_watches(
    const item& one, std::uint64_t settled::*to, std::uint64_t records) noexcept {
    for (auto* w : watches_) {
        if (one.sequence <= w->last_sequence_) {
            w->counts_.*to += records;
        }
    }
}

delivery_list::iterator delivery_list::lose(
    iterator one,
    reason_counts delivery_counts::*to,
    std::uint64_t settled::*to_watch,
    reason why) {
    (counts_.*to)[why] += one->what->records;
    if (to == &delivery_counts::dropped) {
        counts_.dropped_bytes[why] += one->what->wire_bytes();
    }
    tell_watches(*one, to_watch, one->what->records);
    lost_class_messages_ = lost_class_messages_ || one->what->has_class_messages;
    return remove(one);
}

// Listed entries are dead, all others delivered. A group that shares one count shares one fate
// (D-3.7).
void delivery_list::settle_in_part(iterator one, const std::vector<std::uint32_t>& refused) {
    const auto& records = one->what->entry_records;
    std::vector<bool> is_refused(records.size());
    for (const auto place : refused) {
        if (place < is_refused.size()) {
            is_refused[place] = true;
        }
    }
    std::uint64_t dead = 0;
    bool is_group_refused = false;
    for (std::size_t i = 0; i < records.size(); ++i) {
        is_group_refused = is_group_refused || is_refused[i];
        if (records[i] != 0) {
            dead += std::exchange(is_group_refused, false) ? records[i] : 0;
        }
    }
    const auto delivered = one->what->records - dead;
    counts_.delivered += delivered;
    counts_.dead[reason::rejected] += dead;
    tell_watches(*one, &settled::delivered, delivered);
    tell_watches(*one, &settled::dead, dead);
    lost_class_messages_ = lost_class_messages_ || (dead != 0 && one->what->has_class_messages);
    remove(one);
}

bool delivery_list::done(
    std::uint64_t attempt, const outcome& result, time_point now, double uniform) {
    const auto one = std::find_if(items_.begin(), items_.end(), [&](const item& i) {
        return i.attempt == attempt && i.state == item_state::in_flight;
    });
    if (one == items_.end()) {
        counts_.late_answers += result.what == verdict::delivered ? 1 : 0;
        return false;
    }
    const bool was_detour = attempt == detour_;
    const auto searched = one->searched;
    if (!was_detour || !compare_with_suspect(one, result.what)) {
        settle(one, result, was_detour, now, uniform);
    }
    if (searched) {
        // What never was an answer asked nothing.
        const bool is_answer = result.what != verdict::retry && result.what != verdict::again &&
                               result.what != verdict::fresh_token &&
                               result.what != verdict::abandoned;
        searched->attempts -= is_answer || was_detour ? 0 : 1;
        give_up_search(searched);
    }
    return true;
}

void delivery_list::settle(
    iterator one, const outcome& result, bool was_detour, time_point now, double uniform) {
    if (result.is_unclear() && !one->what->is_repeatable) {
        lose_uncertain(one, result, now, uniform);
        return;
    }
    switch (result.what) {
    case verdict::delivered:
    case verdict::delivered_unacked: succeeded(one, result.what == verdict::delivered); break;
    case verdict::partial: settle_in_part(one, result.refused); break;
    case verdict::retry: failed(one, result, was_detour, now, uniform); break;
    case verdict::again:
    case verdict::fresh_token: at_once(one, result, now, uniform); break;
    case verdict::plain:
        to_send_plain_ += one->to_send_plain ? 0 : 1;
        one->to_send_plain = true;
        at_once(one, result, now, uniform);
        break;
    case verdict::suspect: refused(one); break;
    case verdict::rejected: // D-7.4: it blocks nobody
        lose(one, &delivery_counts::dead, &settled::dead, reason::rejected);
        break;
    case verdict::too_large: wait_for_size(one, result, now, uniform); break;
    case verdict::abandoned:
        settings_.is_ordered ? back_to_ready() : set_state(*one, item_state::ready);
        break;
    }
}

void delivery_list::wait_for_size(
    iterator one, const outcome& result, time_point now, double uniform) {
    set_state(*one, item_state::ready);
    mark_to_cut(*one, cut_reason::too_large);
    // Half of what was refused: several in flight that are refused together say it once.
    working_bytes_ = std::max(
        std::size_t{4096}, std::min<std::size_t>(working_bytes_, one->what->plain_bytes / 2));
    delivered_since_growth_ = 0;
    wait_as_asked(result, now, uniform);
}

// D-2.3: nobody knows whether it was applied, and a repeat would do harm.
void delivery_list::lose_uncertain(
    iterator one, const outcome& result, time_point now, double uniform) {
    if (result.what == verdict::retry) {
        ++counts_.retries;
        if (settings_.is_ordered || one->epoch == epoch_) {
            back_off(result, now, uniform);
        }
    }
    lose(one, &delivery_counts::dead, &settled::dead, reason::uncertain);
    if (settings_.is_ordered) {
        back_to_ready();
    }
}

void delivery_list::passed() noexcept {
    failures_ = 0;
    level_ /= 2;
    is_probing_ = false;
    has_passed_since_cut_ = true;
}

void delivery_list::succeeded(iterator one, bool acknowledged) {
    passed();
    if (one->twin != nullptr) { // D-7.2: then the other half holds the fault
        auto& other = *one->twin;
        release_twin(*one);
        mark_to_cut(other, cut_reason::refused);
    }
    immediate_sends_ = std::min(most_immediate_sends, immediate_sends_ + 0.1);
    if (++delivered_since_growth_ == 20) {
        delivered_since_growth_ = 0;
        working_bytes_ =
            std::min(settings_.max_payload_bytes, working_bytes_ + working_bytes_ / 20);
    }
    if (!settings_.is_ordered) {
        settle(one, &delivery_counts::delivered, &settled::delivered);
        return;
    }
    // D-5.4: delivered when all before it on the connection are.
    set_state(*one, item_state::acked);
    while (!items_.empty() && items_.front().state == item_state::acked) {
        acknowledged
            ? settle(items_.begin(), &delivery_counts::delivered, &settled::delivered)
            : settle(
                  items_.begin(), &delivery_counts::delivered_unacked, &settled::delivered_unacked);
    }
}

// What was in flight together failed together, and goes again in order.
void delivery_list::back_to_ready() {
    for (auto& one : items_) {
        set_state(one, item_state::ready);
    }
}

void delivery_list::back_off(const outcome& result, time_point now, double uniform) {
    ++failures_;
    last_failure_ = result.kind;
    ++epoch_;
    const auto waits = waits_of(result.kind, settings_.retry);
    level_ = std::min(level_ + 1, top_level(waits));
    wait_ = wait_before_retry(waits, level_, uniform);
    wait_until_ = now + wait_;
    if (asked_until_ > wait_until_) { // still, since an answer that was no failure
        wait_until_ = asked_until_;
        wait_ = std::chrono::ceil<std::chrono::milliseconds>(asked_until_ - now);
    }
    wait_as_asked(result, now, uniform);
    is_probing_ = true;
}

// D-6.4: asked to wait, we wait at least as long.
void delivery_list::wait_as_asked(const outcome& result, time_point now, double uniform) {
    const auto with_jitter = [&](std::chrono::milliseconds wait) {
        return wait + std::chrono::ceil<std::chrono::milliseconds>(wait * (uniform / 10.0));
    };
    const auto asked = with_jitter(result.retry_after);
    const auto wait = std::max(asked, with_jitter(result.until_login));
    if (wait.count() > 0 && now + wait > wait_until_) {
        wait_ = wait;
        wait_until_ = now + wait;
    }
    if (asked.count() > 0) {
        asked_until_ = std::max(asked_until_, now + asked);
    }
}

// D-6.5: from a bucket, so that a peer that always closes gets at most a tenth more load.
void delivery_list::at_once(iterator one, const outcome& result, time_point now, double uniform) {
    if (immediate_sends_ < 1.0) {
        outcome ordinary;
        ordinary.kind = result.kind;
        ordinary.why = result.why;
        failed(one, ordinary, false, now, uniform);
        return;
    }
    immediate_sends_ -= 1.0;
    set_state(*one, item_state::ready);
}

void delivery_list::failed(
    iterator one, const outcome& result, bool was_detour, time_point now, double uniform) {
    ++counts_.retries;
    if (!settings_.is_ordered) {
        if (one->epoch == epoch_) {
            back_off(result, now, uniform);
        } else {
            wait_as_asked(result, now, uniform);
        }
        one->attempts += was_detour ? 0 : 1;
        set_state(*one, item_state::ready);
        const auto limit = settings_.retry.max_attempts;
        if (limit != 0 && one->attempts >= limit) {
            lose(one, &delivery_counts::dead, &settled::dead, reason::attempts);
            return;
        }
        if (result.was_answered) { // D-7.3: others may pass
            items_.splice(items_.end(), items_, one);
        }
        if (!was_detour) {
            strike(*one, symptom_of(result));
        }
        return;
    }
    back_off(result, now, uniform);
    for (auto& other : items_) {
        other.attempts += other.state == item_state::in_flight && !was_detour ? 1 : 0;
    }
    back_to_ready();
    if (!was_detour) {
        strike(items_.front(), symptom_of(result));
    }
    const auto limit = settings_.retry.max_attempts;
    for (auto i = items_.begin(); limit != 0 && i != items_.end();) {
        i = i->attempts >= limit ? lose(i, &delivery_counts::dead, &settled::dead, reason::attempts)
                                 : std::next(i);
    }
}

void delivery_list::expire(time_point now) {
    if (settings_.retry.max_age.count() == 0) {
        return;
    }
    for (auto i = items_.begin(); i != items_.end();) {
        if (now - i->sealed_at <= settings_.retry.max_age) {
            if (settings_.is_ordered) { // those behind it are younger
                return;
            }
            ++i;
        } else {
            i = i->state == item_state::ready
                    ? lose(i, &delivery_counts::dropped, &settled::dropped, reason::expired)
                    : std::next(i);
        }
    }
}

bool delivery_list::drop_oldest(reason why) {
    auto oldest = items_.end();
    for (auto i = items_.begin(); i != items_.end(); ++i) {
        if (i->state == item_state::ready &&
            (oldest == items_.end() || i->sequence < oldest->sequence)) {
            oldest = i;
            if (settings_.is_ordered) {
                break;
            }
        }
    }
    if (oldest == items_.end()) {
        return false;
    }
    lose(oldest, &delivery_counts::dropped, &settled::dropped, why);
    return true;
}

void delivery_list::drop_all(reason why) {
    while (!items_.empty()) {
        lose(items_.begin(), &delivery_counts::dropped, &settled::dropped, why);
    }
    detour_ = 0;
}

health delivery_list::state() const noexcept {
    constexpr int failures_until_down = 3;
    return failures_ == 0                    ? health::ok
           : last_failure_ == failure::auth  ? health::rejected_credentials
           : failures_ < failures_until_down ? health::degraded
                                             : health::down;
}

void delivery_list::begin(watch& w) {
    w.last_sequence_ = last_sequence_;
    w.counts_ = {
        .delivered = counts_.delivered,
        .delivered_unacked = counts_.delivered_unacked,
        .dead = counts_.dead.total(),
        .dropped = counts_.dropped.total()};
    watches_.push_back(&w);
}

bool delivery_list::is_over(const watch& w) const noexcept {
    if (settings_.is_ordered) {
        return items_.empty() || items_.front().sequence > w.last_sequence_;
    }
    return std::none_of(items_.begin(), items_.end(), [&](const item& one) {
        return one.sequence <= w.last_sequence_;
    });
}

std::uint64_t delivery_list::pending(const watch& w) const noexcept {
    std::uint64_t records = 0;
    for (const auto& one : items_) {
        records += one.sequence <= w.last_sequence_ ? one.what->records : 0;
    }
    return records;
}

void delivery_list::end(const watch& w) noexcept {
    std::erase(watches_, &w);
}

} // namespace monarc::delivery
