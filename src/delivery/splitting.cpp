#include "delivery/splitting.hpp"

#include "delivery/delivery.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace monarc::delivery {

// Whether it is a payload's turn, as far as that depends on the payload.
bool delivery_list::may_go(const item& one) noexcept {
    return one.state == item_state::ready && one.to_cut == cut_reason::none && !one.to_send_plain &&
           !one.waits_for_twin && !(one.searched && one.searched->is_over());
}

void delivery_list::mark_to_cut(item& one, cut_reason why) noexcept {
    to_cut_ -= one.to_cut != cut_reason::none ? 1 : 0;
    to_cut_ += why != cut_reason::none ? 1 : 0;
    one.to_cut = why;
}

void delivery_list::release_twin(item& one) noexcept {
    if (auto* const other = std::exchange(one.twin, nullptr)) {
        one.waits_for_twin = other->waits_for_twin = false;
        other->twin = nullptr;
    }
}

// D-7.2: one entry at least is bad. If this is the first half, nothing is known of the second.
void delivery_list::refused(iterator one) {
    set_state(*one, item_state::ready);
    if (!one->searched) {
        one->searched = std::make_shared<search>();
        ++parts_of_searches_;
    }
    release_twin(*one);
    mark_to_cut(*one, cut_reason::refused);
}

// What remains after so many attempts is dead; what is in flight may still be delivered.
void delivery_list::give_up_search(const std::shared_ptr<search>& searched) {
    if (!searched->is_over()) {
        return;
    }
    for (auto i = items_.begin(); i != items_.end();) {
        i = i->searched == searched && i->state == item_state::ready
                ? lose(i, &delivery_counts::dead, &settled::dead, reason::rejected)
                : std::next(i);
    }
}

// D-7.3, D-7.6: the fault is this payload's, or the receiver fails whatever it gets. Once since
// something passed it is cut, and then compared with its own parts; else with another payload.
void delivery_list::strike(item& one, symptom how) {
    if (how == symptom::none) { // which ends a row, but says nothing of what the others did
        one.strikes = 0;
        suspect_ = suspect_ == &one ? nullptr : suspect_;
        return;
    }
    if (how != std::exchange(one.suffers, how)) {
        one.strikes = one.passed_by = 0;
        suspect_ = suspect_ == &one ? nullptr : suspect_;
    }
    ++one.strikes;
    if (one.strikes < strikes_for_suspicion(how) || suspect_ != nullptr) {
        return;
    }
    if (has_passed_since_cut_ && can_be_cut(*one.what)) {
        mark_to_cut(one, cut_reason::poison);
    } else {
        suspect_ = &one;
    }
}

// One that is not as suspicious, has failed least and then passed least before its turn. Where the
// list is ordered it goes twice, which must do no harm (D-2.3).
delivery_list::iterator delivery_list::other_than_suspect() noexcept {
    auto best = items_.end();
    for (auto one = items_.begin(); one != items_.end(); ++one) {
        const bool may_pass = &*one != suspect_ && may_go(*one) &&
                              one->strikes < strikes_for_suspicion(one->suffers) &&
                              (one->what->is_idempotent || !settings_.is_ordered);
        if (may_pass && (best == items_.end() || one->as_detour < best->as_detour)) {
            best = one;
        }
    }
    return best;
}

// The detour's end. Returns: whether its payload passed before its turn and is to go again.
bool delivery_list::compare_with_suspect(iterator other, verdict what) {
    detour_ = 0;
    const bool has_passed = what == verdict::delivered || what == verdict::delivered_unacked ||
                            what == verdict::partial;
    if (!has_passed && what != verdict::retry) { // says nothing: it is tried again
        return false;
    }
    other->as_detour.failed += has_passed ? 0 : 1;
    if (auto* const suspect = std::exchange(suspect_, nullptr)) {
        // It passes: one more failure of the suspect is enough to look again. It does not: the
        // receiver is down.
        suspect->strikes = has_passed ? strikes_for_suspicion(suspect->suffers) - 1 : 0;
        suspect->passed_by = has_passed ? suspect->passed_by + 1 : 0;
        if (has_passed && suspect->state == item_state::ready &&
            (can_be_cut(*suspect->what) || suspect->passed_by >= passes_for_verdict)) {
            mark_to_cut(*suspect, cut_reason::poison);
        }
    }
    if (!has_passed || !settings_.is_ordered || other == items_.begin()) {
        return false;
    }
    if (what != verdict::partial) { // which leaves the level as it is (D-6.1)
        passed();
    }
    ++other->as_detour.passed;
    set_state(*other, item_state::ready);
    return true;
}

std::list<delivery_list::item>::const_iterator delivery_list::item_to_split() const noexcept {
    if (to_cut_ == 0) { // nearly always, and the list may be long
        return items_.end();
    }
    return std::find_if(items_.begin(), items_.end(), [](const item& one) {
        return one.to_cut != cut_reason::none;
    });
}

const payload* delivery_list::to_split() const noexcept {
    const auto one = item_to_split();
    return one != items_.end() ? one->what.get() : nullptr;
}

cut_reason delivery_list::why_split() const noexcept {
    const auto one = item_to_split();
    return one == items_.end() ? cut_reason::none : one->to_cut;
}

void delivery_list::split_done(std::array<payload, 2>&& halves) {
    assert(to_split() != nullptr);
    const auto why = why_split();
    const auto whole = items_.erase(item_to_split(), item_to_split()); // the same, to change it
    std::array<item*, 2> made{};
    for (std::size_t i = 0; i < halves.size(); ++i) {
        records_ += halves[i].records;
        memory_bytes_ += halves[i].memory_bytes();
        parts_of_searches_ += whole->searched ? 1 : 0;
        made[i] = &*items_.insert(
            whole,
            {.what = std::make_shared<const payload>(std::move(halves[i])),
             .sequence = whole->sequence,
             .sealed_at = whole->sealed_at,
             .searched = whole->searched});
        if (why == cut_reason::poison) { // one more failure is enough to look at it
            made[i]->suffers = whole->suffers;
            made[i]->strikes = strikes_for_suspicion(whole->suffers) - 1;
        }
    }
    if (why == cut_reason::refused) {
        made[0]->twin = made[1];
        made[1]->twin = made[0];
        made[1]->waits_for_twin = true;
    }
    if (why == cut_reason::poison) {
        has_passed_since_cut_ = false;
    }
    remove(whole);
    ++counts_.splits;
}

void delivery_list::split_failed() {
    assert(to_split() != nullptr);
    const auto cause = why_split();
    const auto whole = items_.erase(item_to_split(), item_to_split());
    const auto why = cause == cut_reason::too_large ? reason::too_large : reason::rejected;
    lose(whole, &delivery_counts::dead, &settled::dead, why);
}

const payload* delivery_list::to_send_plain() const noexcept {
    if (to_send_plain_ == 0) {
        return nullptr;
    }
    const auto one =
        std::find_if(items_.begin(), items_.end(), [](const item& i) { return i.to_send_plain; });
    return one->what.get();
}

// D-2.2: another encoding is another payload; its place and its age stay.
void delivery_list::plain_done(payload&& plain) {
    const auto one =
        std::find_if(items_.begin(), items_.end(), [](const item& i) { return i.to_send_plain; });
    assert(one != items_.end());
    memory_bytes_ -= one->what->memory_bytes();
    one->what = std::make_shared<const payload>(std::move(plain));
    memory_bytes_ += one->what->memory_bytes();
    one->to_send_plain = false;
    --to_send_plain_;
}

void delivery_list::plain_failed() {
    const auto one =
        std::find_if(items_.begin(), items_.end(), [](const item& i) { return i.to_send_plain; });
    assert(one != items_.end());
    lose(one, &delivery_counts::dead, &settled::dead, reason::rejected);
}

} // namespace monarc::delivery
