#include "core/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace monarc {
namespace {

class descriptor {
public:
    explicit descriptor(int number) : number_(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    int number() const noexcept { return number_; }

private:
    int number_;
};

std::string system_text(int code) {
    return std::system_category().message(code);
}

} // namespace

text_file read_text_file(const std::string& path, std::size_t max_bytes) {
    text_file file;
    const auto refuse = [&](std::string_view why) {
        file.wrong = fmt::format("{}: {}", path, why);
        file.text.clear();
        return file;
    };
    if (path.find('\0') != path.npos) {
        file.wrong = "a path with a zero byte";
        return file;
    }
    const descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat found {};
    if (opened.number() < 0 || ::fstat(opened.number(), &found) != 0) {
        return refuse(system_text(errno));
    }
    if (!S_ISREG(found.st_mode)) {
        return refuse(S_ISDIR(found.st_mode) ? "is a directory" : "is not a regular file");
    }
    file.is_readable_by_others = (found.st_mode & S_IROTH) != 0;
    file.is_writable_by_others = (found.st_mode & S_IWOTH) != 0;
    // One byte more than is there, so that a file which grows meanwhile is seen; those of /proc say
    // that they have none.
    file.text.resize(std::min(static_cast<std::size_t>(found.st_size), max_bytes) + 1);
    std::size_t size = 0;
    while (size <= max_bytes) {
        if (size == file.text.size()) {
            file.text.resize(std::min(2 * size + 4096, max_bytes + 1));
        }
        const auto got = ::read(opened.number(), file.text.data() + size, file.text.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return refuse(system_text(errno));
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    if (size > max_bytes) {
        return refuse(fmt::format("is larger than {} bytes", max_bytes));
    }
    file.text.resize(size);
    return file;
}

} // namespace monarc
