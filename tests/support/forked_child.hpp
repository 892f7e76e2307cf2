#pragma once

// A part of a test in a process of its own, bounded in time.

#include "support/sanitizer.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

namespace support {

// Runs `work` in a forked child. Returns: its exit code; 1000 + signal if it was killed.
template <class Work>
int in_child(Work work) {
    std::cout.flush(); // else a child that exits prints it once more
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(is_sanitized ? 60 : 20);
        work();
        ::_exit(99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

} // namespace support
