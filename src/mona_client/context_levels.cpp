#include "mona_client/context_levels.hpp"

#include <algorithm>

namespace monarc::mona_client {

void context_levels::append(std::string_view id) {
    full_id_ += levels_.empty() ? "" : ".";
    full_id_ += id;
    for (auto dot = id.find('.'); dot != id.npos; dot = id.find('.')) {
        levels_.emplace_back(id.substr(0, dot));
        id.remove_prefix(dot + 1);
    }
    levels_.emplace_back(id);
}

void context_levels::cut(std::size_t depth) {
    levels_.resize(std::min(depth, levels_.size()));
    full_id_.clear();
    for (std::size_t i = 0; i < levels_.size(); ++i) {
        full_id_ += i == 0 ? "" : ".";
        full_id_ += levels_[i];
    }
}

void context_levels::open(std::string_view id) {
    reset();
    append(id);
}

void context_levels::open_sub(std::string_view id) {
    append(id);
}

context_levels::closing context_levels::close_sub(std::string_view id) {
    const auto found = id.empty() ? levels_.end() - (levels_.empty() ? 0 : 1)
                                  : std::find(levels_.begin(), levels_.end(), id);
    if (found == levels_.end() || found == levels_.begin()) {
        return closing::nothing_to_close;
    }
    const auto depth = static_cast<std::size_t>(found - levels_.begin());
    if (depth < guarded_) {
        return closing::is_guarded;
    }
    cut(depth);
    return closing::closed;
}

void context_levels::return_to(std::size_t depth, std::size_t guarded) {
    guarded_ = guarded;
    if (depth < levels_.size()) {
        cut(depth);
    }
}

void context_levels::reset() noexcept {
    levels_.clear();
    full_id_.clear();
}

} // namespace monarc::mona_client
