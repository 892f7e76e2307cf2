#pragma once

// Which contexts are open on a thread (mona-client.md section 4). Knows nothing of messages.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::mona_client {

// Threads: one. Of the guarded levels only the highest matters: it and all below it are not closed
// by hand.
class context_levels {
public:
    bool is_open() const noexcept { return !levels_.empty(); }
    bool has_guarded() const noexcept { return guarded_ != 0; }
    std::size_t depth() const noexcept { return levels_.size(); }
    std::size_t guarded() const noexcept { return guarded_; }

    // All levels, joined by dots.
    const std::string& full_id() const noexcept { return full_id_; }

    // In the place of whatever is open. A dot in the id begins a further level.
    void open(std::string_view id);
    void open_sub(std::string_view id);

    enum class closing { closed, nothing_to_close, is_guarded };

    // The first level of that name, the last one without a name; with all above it.
    closing close_sub(std::string_view id);

    void guard_all() noexcept { guarded_ = levels_.size(); }

    // What stood open and guarded before a scope; what was closed meanwhile stays closed.
    void return_to(std::size_t depth, std::size_t guarded);

    // Guards stay.
    void reset() noexcept;
    void clear() noexcept {
        reset();
        guarded_ = 0;
    }

private:
    void append(std::string_view id);
    void cut(std::size_t depth);

    std::vector<std::string> levels_;
    std::size_t guarded_ = 0; // one more than the highest guarded level
    std::string full_id_;
};

} // namespace monarc::mona_client
