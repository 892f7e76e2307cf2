#pragma once

// One client: its thread, its token, and the requests that are under way or wait for their turn.

#include "monasca_client/asking.hpp"
#include "monasca_client/client_thread.hpp"
#include "monasca_client/login.hpp"
#include "monasca_client/traffic.hpp"

#include <monarc/monasca_client.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace monarc::monasca::detail {

class client_state : public std::enable_shared_from_this<client_state> {
public:
    // Fails: throws std::system_error(errc::bad_options).
    explicit client_state(client_options options);

    // --- any thread ---
    std::shared_ptr<asking>
    ask(std::shared_ptr<const call> what, exchange::continuation woken) const;
    // Returns: why it was not begun; then nobody is woken.
    std::optional<error> begin(std::shared_ptr<asking> one);
    // After drop(): frees the connection.
    void cancel(std::shared_ptr<asking> one);
    void replace_token(secret token);
    bool is_own_thread() noexcept { return thread_.is_own(); }

    // Answers what is under way, and waits for the thread unless it is this one.
    void close() noexcept;

private:
    // --- the client's thread ---
    void admit(std::shared_ptr<asking> one);
    void start(std::shared_ptr<asking> one);
    void start_next();
    boost::asio::awaitable<void> run(std::shared_ptr<asking> one);
    boost::asio::awaitable<answer<reply>> send(asking& one);
    void settle(std::shared_ptr<asking> one);
    void stop_all();

    client_options options_;
    monasca_client::client_thread thread_;
    traffic traffic_;
    login login_;
    std::vector<std::shared_ptr<asking>> running_; // at most options_.max_connections
    std::deque<std::shared_ptr<asking>> queued_;
    bool is_closing_ = false;
};

// What a request gets of a client that is gone.
error closed_error();

} // namespace monarc::monasca::detail
