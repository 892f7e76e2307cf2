#include "mona_client/client_log.hpp"

#include "core/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>

namespace monarc::mona_client {
namespace {

constexpr int number_of(log_level level) noexcept {
    return 10 * (1 + static_cast<int>(level)); // as Python's logging counts
}
constexpr int warning_number = number_of(log_level::warning);

struct log_state {
    std::mutex lock;
    std::shared_ptr<const log_function> to; // under the lock
    std::atomic<bool> has_function{false};
    std::atomic<int> level{0};
    std::atomic<bool> prints{false};

    static log_state& instance() {
        static auto* const one = new log_state; // never destroyed: lines come until the end
        return *one;
    }
};

std::string_view python_name(log_level level) noexcept {
    switch (level) {
    case log_level::debug: return "DEBUG";
    case log_level::info: return "INFO";
    case log_level::warning: return "WARNING";
    case log_level::error: return "ERROR";
    }
    return "";
}

// YYYY-MM-DD hh:mm:ss,mmm - mona-logger - LEVEL - text
void print(log_level level, std::string_view text) {
    const auto now = std::chrono::system_clock::now();
    const auto since_1970 = now.time_since_epoch();
    const auto thousandths =
        std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count() % 1000;
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    tm local{};
    ::localtime_r(&seconds, &local);
    fmt::memory_buffer line;
    fmt::format_to(
        std::back_inserter(line),
        "{:%Y-%m-%d %H:%M:%S},{:03} - mona-logger - {} - {}\n",
        local,
        thousandths,
        python_name(level),
        text);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

} // namespace

bool is_said(log_level level) noexcept {
    const auto& state = log_state::instance();
    const auto number = number_of(level);
    const auto own = state.level.load(std::memory_order_relaxed);
    if (own != 0 && number < own) {
        return false;
    }
    const bool is_loud = number >= warning_number;
    return is_loud || state.has_function.load(std::memory_order_relaxed) ||
           (own != 0 && state.prints.load(std::memory_order_relaxed));
}

void say(
    log_level level,
    std::string_view code,
    std::string_view text,
    std::initializer_list<log_field> fields) noexcept {
    if (!is_said(level)) {
        return;
    }
    auto& state = log_state::instance();
    try {
        const bool is_loud = number_of(level) >= warning_number;
        const bool prints = state.prints.load(std::memory_order_relaxed);
        if (prints && (is_loud || state.level.load(std::memory_order_relaxed) != 0)) {
            print(level, text);
        }
        std::shared_ptr<const log_function> to;
        {
            const std::lock_guard hold(state.lock);
            to = state.to;
        }
        if (to) {
            (*to)(
                {.level = level,
                 .text = text,
                 .code = code,
                 .fields = std::span(fields.begin(), fields.size())});
        } else if (is_loud && !prints) {
            write_to_standard_error(level, text);
        }
    } catch (...) { // a callback must not throw; there is nobody to tell
    }
}

void set_log_function(log_function to) {
    auto& state = log_state::instance();
    auto fresh = to ? std::make_shared<const log_function>(std::move(to)) : nullptr;
    const std::lock_guard hold(state.lock);
    state.has_function.store(fresh != nullptr, std::memory_order_relaxed);
    state.to.swap(fresh);
}

void set_log_options(int level, bool prints) noexcept {
    auto& state = log_state::instance();
    state.level.store(level, std::memory_order_relaxed);
    state.prints.store(prints, std::memory_order_relaxed);
}

mona::log_settings log_settings_now() noexcept {
    const auto& state = log_state::instance();
    const auto level = state.level.load(std::memory_order_relaxed);
    return {
        .level = level,
        .effective_level = level != 0 ? level : warning_number,
        .prints = state.prints.load(std::memory_order_relaxed)};
}

void lock_log() noexcept {
    log_state::instance().lock.lock();
}
void unlock_log() noexcept {
    log_state::instance().lock.unlock();
}

} // namespace monarc::mona_client
