#include "receiver.hpp"

#include "encode/msgpack_reader.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace monarc::bench {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

// What stands in front of the events: array of 3, a tag of at most 31 bytes, the head of a binary.
// Returns: 0 while it is not all there; else its length, and that of the events.
std::size_t head_of_message(std::string_view in, std::size_t& events) {
    if (in.size() < 2) {
        return 0;
    }
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(in[at]); };
    const std::size_t at = 2u + (byte(1) & 31u);
    if (in.size() < at + 5) {
        return 0;
    }
    const std::size_t width = std::size_t{1} << (byte(at) - 0xc4u);
    events = 0;
    for (std::size_t i = 1; i <= width; ++i) {
        events = events << 8 | byte(at + i);
    }
    return at + 1 + width;
}

struct option {
    std::string chunk; // to be repeated, empty if no answer is asked for
    std::uint64_t events = 0;
};

// What stands behind the events. Returns: 0 while it is not all there; else its length.
std::size_t option_of_message(std::string_view in, option& out) {
    encode::msgpack_reader reader(in);
    if (in.empty() || reader.skip() != encode::read_status::ok) {
        return 0;
    }
    encode::msgpack_reader pairs(in);
    std::uint32_t count = 0;
    pairs.read_map(count);
    out = {};
    for (std::uint32_t i = 0; i < count; ++i) {
        std::string_view name;
        std::string_view value;
        pairs.read_text(name);
        if (name == "chunk") {
            pairs.read_text(value);
            out.chunk = value;
        } else if (name == "size") {
            pairs.read_unsigned(out.events);
        } else {
            pairs.skip();
        }
    }
    return reader.position();
}

} // namespace

receiver::receiver() {
    void* const memory =
        ::mmap(nullptr, sizeof(counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("mmap");
    }
    shared_ = new (memory) counts{};
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || ::bind(listener, any, length) != 0 || ::listen(listener, 16) != 0 ||
        ::getsockname(listener, any, &length) != 0) {
        fail("listen");
    }
    port_ = ntohs(address.sin_port);
    child_ = ::fork();
    if (child_ < 0) {
        fail("fork");
    }
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
        ::_exit(0);
    }
    ::close(listener);
}

receiver::~receiver() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::munmap(shared_, sizeof(counts));
}

// One connection after the other: an exporter has one.
void receiver::serve(int listener) noexcept {
    while (true) {
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket < 0) {
            return;
        }
        serve_one(socket);
        ::close(socket);
    }
}

void receiver::serve_one(int socket) noexcept {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::vector<char> buffer(buffer_bytes);
    std::size_t have = 0;    // bytes in the buffer that were not understood yet
    std::size_t to_skip = 0; // of the events
    bool is_in_option = false;
    option asked;
    while (true) {
        const auto got = ::read(socket, buffer.data() + have, buffer.size() - have);
        if (got <= 0) {
            return;
        }
        shared_->bytes.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
        have += static_cast<std::size_t>(got);
        std::size_t at = 0;
        while (at < have) {
            if (to_skip != 0) {
                const auto skipped = std::min(to_skip, have - at);
                at += skipped;
                to_skip -= skipped;
                continue;
            }
            const std::string_view in(buffer.data() + at, have - at);
            const auto taken =
                is_in_option ? option_of_message(in, asked) : head_of_message(in, to_skip);
            if (taken == 0) {
                break;
            }
            at += taken;
            if (is_in_option) {
                shared_->events.fetch_add(asked.events, std::memory_order_relaxed);
                const auto& chunk = asked.chunk;
                const auto answer = "\x81\xa3"
                                    "ack" +
                                    std::string(1, static_cast<char>(0xa0 | chunk.size())) + chunk;
                if (!chunk.empty() &&
                    ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
                    return;
                }
            }
            is_in_option = !is_in_option;
        }
        std::memmove(buffer.data(), buffer.data() + at, have - at);
        have -= at;
    }
}

} // namespace monarc::bench
