#pragma once

// Counts, for each thread, what it allocates, locks and throws: the program's own definitions of
// malloc, pthread_mutex_lock and the like stand before those of the C and C++ libraries.

#include <cstdint>

namespace faults {

struct calls {
    std::uint64_t allocations = 0; ///< and what is freed
    std::uint64_t locks = 0;       ///< mutex, rwlock, spin lock, futex; tried ones too
    std::uint64_t throws = 0;
};

extern constinit thread_local calls calls_of_thread;

} // namespace faults
