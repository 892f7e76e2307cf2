#include "sink/local_listener.hpp"

#include "sink/start_error.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace monarc::sink {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

namespace {

constexpr std::size_t max_path_bytes = 107;

// What a sink leaves that was killed: a connect to it is refused.
bool is_left_behind(const std::string& path, const asio::any_io_executor& executor) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode))
        return false;
    local::socket probe(executor);
    boost::system::error_code ec;
    probe.connect(local::endpoint(path), ec);
    return ec == asio::error::connection_refused;
}

} // namespace

void local_listener::open(const std::string& path) {
    if (path.size() > max_path_bytes)
        throw start_error(fmt::format(
            "sink: --unix: the path has {} bytes, at most {} are possible; give a shorter one",
            path.size(),
            max_path_bytes));
    if (is_left_behind(path, acceptor_.get_executor()))
        ::unlink(path.c_str());
    boost::system::error_code ec;
    acceptor_.open(local(), ec);
    if (!ec)
        acceptor_.bind(local::endpoint(path), ec);
    if (!ec && ::chmod(path.c_str(), 0600) != 0)
        ec = {errno, boost::system::system_category()};
    if (!ec)
        acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    struct stat made {};
    if (!ec && ::lstat(path.c_str(), &made) != 0)
        ec = {errno, boost::system::system_category()};
    if (ec)
        throw start_error(fmt::format(
            "sink: listen on {}: {}; give --unix a path that is free, in a directory that you may "
            "write to",
            path,
            ec.message()));
    path_ = path;
    device_ = made.st_dev;
    file_ = made.st_ino;
}

void local_listener::close() noexcept {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    struct stat found {};
    if (!path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
        found.st_ino == file_)
        ::unlink(path_.c_str());
    path_.clear();
}

} // namespace monarc::sink
