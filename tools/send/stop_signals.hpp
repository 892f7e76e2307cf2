#pragma once

namespace monarc::send {

// From now on SIGINT and SIGTERM are counted instead of ending the process, and interrupt what
// waits.
void catch_stop_signals() noexcept;

// How many came, and which was the first; 0: none.
int stop_signals() noexcept;
int first_stop_signal() noexcept;

} // namespace monarc::send
