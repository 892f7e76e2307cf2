#pragma once

#include <monarc/secret.hpp>

#include <string>
#include <string_view>

namespace monarc {

// Of what a peer said: it may repeat what it was sent. Returns: whether it did.
inline bool mask(std::string& text, const secret& what) {
    constexpr std::string_view stars = "***";
    const auto hidden = what.reveal();
    bool has_any = false;
    for (auto at = text.find(hidden); !hidden.empty() && at != text.npos;
         at = text.find(hidden, at + stars.size())) {
        text.replace(at, hidden.size(), stars);
        has_any = true;
    }
    return has_any;
}

} // namespace monarc
