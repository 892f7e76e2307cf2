#pragma once

// Where a request that is not wanted any more is stopped: at whatever it waits for.

#include <functional>
#include <utility>

namespace monarc::monasca_client {

// Threads: the client's.
class stopping {
public:
    stopping() = default;
    stopping(const stopping&) = delete;
    stopping& operator=(const stopping&) = delete;

    bool is_asked_for() const noexcept { return is_asked_for_; }
    void ask() {
        is_asked_for_ = true;
        if (stop_) {
            stop_();
        }
    }

private:
    friend class stop_by;
    bool is_asked_for_ = false;
    std::function<void()> stop_;
};

// While this lives `stop` ends what is waited for.
class [[nodiscard]] stop_by {
public:
    stop_by(stopping& of, std::function<void()> stop) : of_(of) { of_.stop_ = std::move(stop); }
    ~stop_by() { of_.stop_ = nullptr; }
    stop_by(const stop_by&) = delete;
    stop_by& operator=(const stop_by&) = delete;

private:
    stopping& of_;
};

} // namespace monarc::monasca_client
