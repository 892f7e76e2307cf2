#include "delivery/splitting.hpp"

#include "delivery/delivery.hpp"

#include <cassert>
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

void delivery_list::judge_front(bool was_written) {
    auto& front = items_.front();
    front.strikes = was_written ? front.strikes + 1 : 0;
    if (front.strikes < strikes_for_suspicion || suspicion_ != suspicion::none) {
        return;
    }
    if (items_.size() > 1) {
        suspicion_ = suspicion::test_another;
    } else if (can_be_cut(*front.what) && has_passed_since_cut_) {
        suspicion_ = suspicion::split; // alone: it can only be compared with its own parts
    }
}

std::list<delivery_list::item>::const_iterator delivery_list::item_to_split() const noexcept {
    if (suspicion_ == suspicion::split) {
        return items_.begin();
    }
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
    return one == items_.end()               ? cut_reason::none
           : one->to_cut == cut_reason::none ? cut_reason::poison
                                             : one->to_cut;
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
             .searched = whole->searched,
             .strikes = // one more failure is enough to look at it again
             why == cut_reason::poison ? strikes_for_suspicion - 1 : 0});
    }
    if (why == cut_reason::refused) {
        made[0]->twin = made[1];
        made[1]->twin = made[0];
        made[1]->waits_for_twin = true;
    }
    if (why == cut_reason::poison) {
        has_passed_since_cut_ = false;
        suspicion_ = suspicion::none;
    }
    remove(whole);
    ++counts_.splits;
}

void delivery_list::split_failed() {
    assert(to_split() != nullptr);
    const auto cause = why_split();
    const auto whole = items_.erase(item_to_split(), item_to_split());
    const auto why = cause == cut_reason::too_large ? reason::too_large : reason::rejected;
    if (cause == cut_reason::poison) {
        suspicion_ = suspicion::none;
    }
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
