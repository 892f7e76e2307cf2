#include "sink/store.hpp"

#include <monarc/error.hpp>

#include <fcntl.h>
#include <simdjson.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace monarc::sink {
namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;

std::error_code last_error() noexcept {
    return {errno, std::system_category()};
}

} // namespace

store::~store() {
    if (file_ >= 0)
        ::close(file_);
}

std::error_code
store::open(const std::string& path, const std::function<bool(std::string_view)>& line) {
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file_ < 0)
        return last_error();
    struct stat status {};
    if (::fstat(file_, &status) != 0)
        return last_error();
    is_regular_ = S_ISREG(status.st_mode);
    if (!is_regular_)
        return {};
    // Two sinks would count and cut each other's lines.
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? std::make_error_code(std::errc::device_or_resource_busy)
                                    : last_error();
    return read_lines(line);
}

std::error_code store::read_lines(const std::function<bool(std::string_view)>& line) {
    std::string buffer;
    std::size_t held = 0; // the beginning of a line whose end was not read yet
    while (true) {
        buffer.resize(held + read_bytes + simdjson::SIMDJSON_PADDING);
        const auto got = ::read(file_, buffer.data() + held, read_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return last_error();
        if (got == 0)
            break;

        std::string_view text(buffer.data(), held + static_cast<std::size_t>(got));
        auto search_from = held;
        for (auto end = text.find('\n', search_from); end != std::string_view::npos;
             end = text.find('\n')) {
            ++lines_;
            if (!line(text.substr(0, end)))
                return errc::bad_data;
            size_ += end + 1;
            text.remove_prefix(end + 1);
        }
        held = text.size();
        buffer.erase(0, static_cast<std::size_t>(text.data() - buffer.data()));
    }
    if (held != 0 && ::ftruncate(file_, static_cast<off_t>(size_)) != 0)
        return last_error();
    cut_ = held;
    return {};
}

std::error_code store::append(std::string_view lines) {
    if (torn_)
        if (const auto ec = cut_back(size_))
            return ec;
    while (!lines.empty()) {
        const auto written = ::write(file_, lines.data(), lines.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            torn_ = true;
            return last_error();
        }
        size_ += static_cast<std::uint64_t>(written);
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

std::error_code store::cut_back(std::uint64_t size) {
    size_ = size;
    torn_ = true;
    if (is_regular_ && ::ftruncate(file_, static_cast<off_t>(size)) != 0)
        return last_error();
    torn_ = false;
    return {};
}

} // namespace monarc::sink
