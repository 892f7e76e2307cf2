#pragma once

// What is the user's own and called back from the client's thread: nobody is there to whom its
// exceptions could go.

namespace monarc::monasca_client {

void log_lost_exception() noexcept; // the one that is being caught

// Returns: false if it threw.
template <class F>
bool call_out(F&& what) noexcept {
    try {
        what();
        return true;
    } catch (...) {
        log_lost_exception();
        return false;
    }
}

} // namespace monarc::monasca_client
