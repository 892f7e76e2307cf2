// The one exporter that belongs to nobody. Constant-initialised and never destroyed, so that it can
// be used before main and after it.

#include "pipeline/process_exporter.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

namespace monarc {
namespace {

constinit std::mutex starting;
constinit std::atomic<exporter*> started{nullptr};
constinit std::chrono::milliseconds close_timeout{0}; // written before started

void close_at_exit() {
    if (auto* const running = started.load(std::memory_order_acquire)) {
        running->close(close_timeout);
    }
}

// Refused options make an exporter that is closed.
exporter* make_inert() {
    exporter_options refused;
    refused.queue.capacity = 0;
    std::error_code ec;
    auto made = std::make_unique<exporter>(std::move(refused), ec);
    made->set_enabled(false);
    return made.release();
}

// Under `starting`.
exporter& start(exporter_options options) {
    close_timeout = options.close_timeout;
    auto fresh = std::make_unique<exporter>(std::move(options));
    if (std::atexit(close_at_exit) != 0) {
        throw std::system_error(std::make_error_code(std::errc::not_enough_memory), "atexit");
    }
    started.store(fresh.get(), std::memory_order_release);
    return *fresh.release();
}

} // namespace

exporter& pipeline::start_process_exporter(exporter_options options) {
    const std::lock_guard hold(starting);
    auto* const running = started.load(std::memory_order_relaxed);
    return running != nullptr ? *running : start(std::move(options));
}

exporter* pipeline::running_process_exporter() noexcept {
    return started.load(std::memory_order_acquire);
}

void pipeline::close_process_exporter() noexcept {
    close_at_exit();
}

exporter& start_from_env() {
    const std::lock_guard hold(starting);
    auto* const running = started.load(std::memory_order_relaxed);
    return running != nullptr ? *running : start(load_options({.environment = true}));
}

exporter& process_exporter() noexcept {
    if (auto* const running = started.load(std::memory_order_acquire)) {
        return *running;
    }
    static exporter* const inert = make_inert();
    return *inert;
}

} // namespace monarc
