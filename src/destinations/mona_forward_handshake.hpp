#pragma once

// Shows a forward receiver that we know the shared key, and asks it to show the same.

#include "core/outcome.hpp"
#include "transport/connection.hpp"

#include <monarc/secret.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace monarc::destinations {

struct shaken_hands {
    std::string why{};            // why not; empty: both know the key
    failure kind = failure::auth; // of why
    bool keeps_alive = true;      // else the receiver takes one message a connection
    std::string behind{};         // what came behind it
};

// Closes the connection when `timeout` is over. Nothing else may be sent before it has ended well.
boost::asio::awaitable<shaken_hands> shake_hands(
    std::shared_ptr<transport::connection> over, secret key, std::chrono::milliseconds timeout);

} // namespace monarc::destinations
