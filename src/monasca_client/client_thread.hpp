#pragma once

// The thread of a client: everything that its requests do happens there. It begins with the first
// of them.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace monarc::monasca_client {

// Threads: any.
class client_thread {
public:
    using executor = boost::asio::io_context::executor_type;

    client_thread();
    client_thread(const client_thread&) = delete;
    client_thread& operator=(const client_thread&) = delete;

    executor where() noexcept { return io_.get_executor(); }
    bool is_own() noexcept;

    // Runs `work` there; `owner` lives as long as the thread does.
    // Returns: false after end(), and in a forked child of the process that began the thread.
    // Fails:   throws std::system_error if no thread can be made.
    bool run(const std::shared_ptr<void>& owner, std::function<void()> work);
    // The same without a thread: with the first that is run, if there is none yet.
    void run_in_time(std::function<void()> work);

    // Runs `last`, and waits until nothing is left to do; on the thread itself it does not wait.
    void end(std::function<void()> last);

private:
    void begin(const std::shared_ptr<void>& owner);
    bool is_of_parent() const noexcept;

    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<executor> is_wanted_;

    std::mutex lock_;
    std::thread thread_;
    std::atomic<::pid_t> process_{0}; // that began the thread; 0: there is none
    bool has_ended_ = false;
};

} // namespace monarc::monasca_client
