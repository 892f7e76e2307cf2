#include "send/input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace monarc::send {
namespace {

constexpr int idle_milliseconds = 100;

std::error_code last_error() noexcept {
    return {errno, std::system_category()};
}

} // namespace

result<input> input::open(const std::string& path) {
    const bool is_standard = path == "-";
    const int file = is_standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return last_error();
    }
    input opened(file, !is_standard);
    struct stat facts = {};
    if (::fstat(file, &facts) != 0) {
        return last_error();
    }
    if (S_ISDIR(facts.st_mode)) {
        return std::make_error_code(std::errc::is_a_directory);
    }
    if (S_ISREG(facts.st_mode)) {
        const auto at = ::lseek(file, 0, SEEK_CUR); // a script may have read the beginning
        opened.size_ = static_cast<std::uint64_t>(facts.st_size - (at > 0 ? at : 0));
    }
    return opened;
}

input::input(input&& other) noexcept
    : file_(other.file_), is_owned_(std::exchange(other.is_owned_, false)),
      bytes_read_(other.bytes_read_), size_(other.size_) {}

input::~input() {
    if (is_owned_) {
        ::close(file_);
    }
}

// A signal that comes just before the wait ends it within its idle time.
result<std::size_t> input::read(char* to, std::size_t bytes, const std::function<bool()>& idle) {
    while (true) {
        pollfd waiting{.fd = file_, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&waiting, 1, idle_milliseconds);
        if (ready < 0 && errno != EINTR) {
            return last_error();
        }
        if (ready <= 0) {
            if (!idle()) {
                return std::make_error_code(std::errc::interrupted);
            }
            continue;
        }
        const auto count = ::read(file_, to, bytes);
        if (count >= 0) {
            bytes_read_ += static_cast<std::uint64_t>(count);
            return static_cast<std::size_t>(count);
        }
        if (errno != EINTR && errno != EAGAIN) {
            return last_error();
        }
    }
}

} // namespace monarc::send
