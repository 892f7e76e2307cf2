#pragma once

// A Unix socket in the file system on which a sink listens.

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/types.h>

#include <string>

namespace monarc::sink {

class local_listener {
public:
    using acceptor = boost::asio::local::stream_protocol::acceptor;

    explicit local_listener(boost::asio::io_context& io) : acceptor_(io) {}
    ~local_listener() { close(); }
    local_listener(const local_listener&) = delete;
    local_listener& operator=(const local_listener&) = delete;

    // Only this user may connect. A socket that nobody listens on any more is replaced.
    // Fails: throws start_error.
    void open(const std::string& path);

    acceptor& listening() noexcept { return acceptor_; }

    // Removes the file, if it is still ours.
    void close() noexcept;

private:
    acceptor acceptor_;
    std::string path_;
    dev_t device_ = 0;
    ino_t file_ = 0;
};

} // namespace monarc::sink
