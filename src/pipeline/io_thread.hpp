#pragma once

// The thread that an exporter lives on: where it runs, and what is said once when it starts.

#include "core/log.hpp"

#include <monarc/options.hpp>

namespace monarc::pipeline {

// On the thread itself. What the system refuses is not worth a lost record: it is logged.
void place_thread(const io_thread_options& o, logger& log);

// D-12.3: tls.verify is off, and it matters.
bool has_unverified_peer(const exporter_options& o);

// D-11.6: a proxy would see tokens. Said where one is named, so that nobody looks for it.
void say_proxies_are_ignored(const exporter_options& o, logger& log);

} // namespace monarc::pipeline
