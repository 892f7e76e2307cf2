#pragma once

// How every thread of ours begins: it takes no signals, because handlers belong to the application
// (delivery.md D-9.6).

#include <csignal>
#include <thread>
#include <utility>

namespace monarc {

// Errors: what std::thread throws when there is none to be had.
template <class Work>
std::thread start_thread(Work&& work) {
    struct all_blocked { // a thread inherits the mask of the one that starts it
        sigset_t before;

        all_blocked() noexcept {
            sigset_t all;
            ::sigfillset(&all);
            ::pthread_sigmask(SIG_SETMASK, &all, &before);
        }
        all_blocked(const all_blocked&) = delete;
        all_blocked& operator=(const all_blocked&) = delete;
        ~all_blocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    };
    const all_blocked meanwhile;
    return std::thread(std::forward<Work>(work));
}

} // namespace monarc
