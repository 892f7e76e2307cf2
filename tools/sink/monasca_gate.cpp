#include "sink/monasca_gate.hpp"

#include <utility>

namespace monarc::sink {

bool may(const token_facts& who, right wanted) noexcept {
    switch (wanted) {
    case right::nothing: return true;
    case right::send: return who.has_role("monasca-user") || who.has_role("monasca-agent");
    case right::read: return who.has_role("monasca-user") || who.has_role("monasca-read-only-user");
    case right::write: return who.has_role("monasca-user");
    }
    return false;
}

bool may_delegate(const token_facts& who) noexcept {
    return who.has_role("admin") || who.has_role("monitoring-delegate");
}

monasca_gate::verdict monasca_gate::check(
    std::string_view token, const monasca_switches& switches, std::int64_t now, token_facts& into) {
    if (token.empty())
        return verdict::unknown;
    const auto at = seen_.find(token);
    auto* seen = at == seen_.end() ? nullptr : &at->second;
    if (!switches.keystone_is_down) {
        auto found = find_(token, now);
        if (!found)
            return verdict::unknown;
        seen = seen != nullptr ? seen : remember(token, {});
        seen->facts = std::move(*found);
    } else if (seen == nullptr) {
        return verdict::cannot_ask;
    }
    if (now >= seen->facts.expires_at)
        return verdict::unknown;
    if (switches.max_token_uses != 0 && seen->uses >= switches.max_token_uses)
        return verdict::unknown;
    ++seen->uses;
    into = seen->facts;
    return verdict::good;
}

monasca_gate::seen_token* monasca_gate::remember(std::string_view token, token_facts facts) {
    if (seen_.size() >= max_seen)
        seen_.clear();
    return &seen_.try_emplace(std::string(token), seen_token{std::move(facts)}).first->second;
}

} // namespace monarc::sink
