#pragma once

// A thread's context: its levels, and what a typed push reads of them.

#include "mona_client/context_levels.hpp"

#include <monarc/mona_client.hpp>

namespace monarc::mona_client {

struct thread_context {
    context_levels levels;

    // The calling thread's, until it ends; also while its other objects are being destroyed.
    static thread_context& mine();

    // After each change of the levels, and once the exporter was started.
    void publish() const noexcept;
};

} // namespace monarc::mona_client
