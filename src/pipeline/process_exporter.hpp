#pragma once

// The exporter of the process for who starts it with options of his own.

#include <monarc/exporter.hpp>
#include <monarc/options.hpp>

namespace monarc::pipeline {

// Starts it, or gives the one that runs already. Closed at exit, never destroyed.
// Fails: throws like the constructor; the next call tries again.
exporter& start_process_exporter(exporter_options options);

// Null before the start.
exporter* running_process_exporter() noexcept;

// Within the close_timeout of its options; nothing before the start.
void close_process_exporter() noexcept;

} // namespace monarc::pipeline
