#include "send/key_cache.hpp"

namespace monarc::send {

const key* key_cache::find(std::string_view name, std::size_t place) {
    if (place >= by_place_.size()) {
        by_place_.resize(place + 1);
    }
    auto& seen = by_place_[place];
    if (seen.number != nullptr && seen.name == name) {
        return seen.number;
    }
    return look_up(name, seen);
}

const key* key_cache::look_up(std::string_view name, known& seen) {
    auto at = keys_.find(name);
    if (at == keys_.end()) {
        if (keys_.size() >= max_keys || name.size() > detail::max_name_bytes) {
            return nullptr;
        }
        at = keys_.emplace(name, key(name)).first;
    }
    seen = {at->first, &at->second};
    return seen.number;
}

} // namespace monarc::send
