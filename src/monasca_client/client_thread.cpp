#include "monasca_client/client_thread.hpp"

#include "core/start_thread.hpp"
#include "monasca_client/lost_exception.hpp"

#include <pthread.h>
#include <unistd.h>

#include <utility>

namespace monarc::monasca_client {
namespace asio = boost::asio;

client_thread::client_thread() : is_wanted_(asio::make_work_guard(io_)) {}

bool client_thread::is_own() noexcept {
    return io_.get_executor().running_in_this_thread();
}

bool client_thread::is_of_parent() const noexcept {
    const auto process = process_.load();
    return process != 0 && process != ::getpid();
}

bool client_thread::run(const std::shared_ptr<void>& owner, std::function<void()> work) {
    if (is_of_parent()) {
        return false; // without the lock, which may have been held at the fork
    }
    const std::lock_guard guard(lock_);
    if (has_ended_) {
        return false;
    }
    if (process_ == 0) {
        begin(owner);
    }
    asio::post(io_, std::move(work));
    return true;
}

void client_thread::run_in_time(std::function<void()> work) {
    if (!is_of_parent()) {
        asio::post(io_, std::move(work));
    }
}

void client_thread::begin(const std::shared_ptr<void>& owner) {
    thread_ = start_thread([this, owner] {
        while (!call_out([this] { io_.run(); })) {
        }
    });
    ::pthread_setname_np(thread_.native_handle(), "monarc-client");
    process_ = ::getpid();
}

void client_thread::end(std::function<void()> last) {
    if (is_of_parent()) {
        return; // the thread is not here, and what it owned is left as it is
    }
    {
        const std::lock_guard guard(lock_);
        if (std::exchange(has_ended_, true) || process_ == 0) {
            return;
        }
        asio::post(io_, [this, last = std::move(last)] {
            last();
            is_wanted_.reset();
        });
    }
    if (is_own()) {
        thread_.detach();
    } else {
        thread_.join();
    }
}

} // namespace monarc::monasca_client
