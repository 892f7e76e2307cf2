#pragma once

#include <monarc/secret.hpp>

#include <string>

namespace monarc {

// Of what a peer said: it may repeat what it was sent.
inline void mask(std::string& text, const secret& what) {
    const auto hidden = what.reveal();
    for (auto at = text.find(hidden); !hidden.empty() && at != text.npos;
         at = text.find(hidden, at)) {
        text.replace(at, hidden.size(), "***");
    }
}

} // namespace monarc
