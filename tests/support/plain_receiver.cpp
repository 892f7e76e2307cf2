#include "support/plain_receiver.hpp"

#include "compress/inflate.hpp"
#include "encode/msgpack_reader.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace support {
using monarc::encode::msgpack_framer;
using monarc::encode::msgpack_reader;
using monarc::encode::read_status;

namespace {

int checked(int result, const char* what) {
    if (result < 0) {
        throw std::system_error(errno, std::system_category(), what);
    }
    return result;
}

void expect(bool holds) {
    if (!holds) {
        throw std::runtime_error("not a forward message of the exporter");
    }
}

void expect(read_status status) {
    expect(status == read_status::ok);
}

// The fields of one event: [time, {…, "message": {…}, …}].
std::uint64_t fields_of_entry(msgpack_reader& from) {
    std::uint32_t count = 0;
    std::string_view text;
    std::uint64_t fields = 0;
    expect(from.read_array(count));
    expect(count == 2);
    expect(from.skip());
    expect(from.read_map(count));
    for (std::uint32_t i = 0; i < count; ++i) {
        expect(from.read_text(text));
        if (text != "message") {
            expect(from.skip());
            continue;
        }
        std::uint32_t pairs = 0;
        expect(from.read_map(pairs));
        for (std::uint32_t k = 0; k < pairs; ++k) {
            expect(from.read_text(text));
            expect(from.skip());
            fields += text == "MONA_ARC_CLASS" ? 0 : 1;
        }
    }
    return fields;
}

} // namespace

struct plain_receiver::peer {
    int socket;
    std::string bytes;
    msgpack_framer framer;
};

plain_receiver::plain_receiver(manner m) : acknowledges_(m == manner::acknowledges) {
    listening_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    checked(::bind(listening_, name, bytes), "bind");
    checked(::listen(listening_, 64), "listen");
    checked(::getsockname(listening_, name, &bytes), "getsockname");
    port_ = ntohs(address.sin_port);
    stopping_ = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
    thread_ = std::thread([this] { run(); });
}

plain_receiver::~plain_receiver() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stopping_, &one, sizeof one);
    thread_.join();
    ::close(listening_);
    ::close(stopping_);
}

plain_receiver::counts plain_receiver::seen() const {
    const std::lock_guard guard(lock_);
    return counts_;
}

void plain_receiver::run() {
    std::list<peer> peers;
    std::vector<pollfd> watched;
    while (true) {
        watched.assign(
            {{.fd = stopping_, .events = POLLIN, .revents = 0},
             {.fd = listening_, .events = POLLIN, .revents = 0}});
        for (const auto& one : peers) {
            watched.push_back({.fd = one.socket, .events = POLLIN, .revents = 0});
        }
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            continue;
        }
        if (watched[0].revents != 0) {
            break;
        }
        auto at = peers.begin();
        for (std::size_t i = 2; i < watched.size(); ++i) {
            if (watched[i].revents != 0 && !serve(*at)) {
                ::close(at->socket);
                at = peers.erase(at);
            } else {
                ++at;
            }
        }
        if (watched[1].revents != 0) {
            const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) {
                const std::lock_guard guard(lock_);
                ++counts_.connections;
                peers.push_back({.socket = fd, .bytes = {}, .framer = msgpack_framer()});
            }
        }
    }
    for (const auto& one : peers) {
        ::close(one.socket);
    }
}

// Returns: false when the connection is over.
bool plain_receiver::serve(peer& from) {
    char buffer[64 * 1024];
    const auto got = ::recv(from.socket, buffer, sizeof buffer, 0);
    if (got <= 0) {
        const std::lock_guard guard(lock_);
        ++(got == 0 ? counts_.ended : counts_.resets);
        return false;
    }
    from.bytes.append(buffer, static_cast<std::size_t>(got));
    try {
        auto status = read_status::more;
        while (!from.bytes.empty() && (status = from.framer.scan(from.bytes)) == read_status::ok) {
            const auto size = from.framer.size();
            take_message(from, std::string_view(from.bytes).substr(0, size));
            from.bytes.erase(0, size);
            from.framer.reset();
        }
        expect(status != read_status::malformed);
    } catch (const std::exception&) {
        const std::lock_guard guard(lock_);
        ++counts_.malformed;
        return false;
    }
    return true;
}

// [tag, entries, {"size": …, "compressed": …, "chunk": …}], the entries packed.
void plain_receiver::take_message(peer& from, std::string_view message) {
    msgpack_reader reader(message);
    std::uint32_t count = 0;
    std::string_view entries;
    std::string_view chunk;
    bool is_gzip = false;
    expect(reader.read_array(count));
    expect(count == 3);
    expect(reader.skip());
    expect(reader.read_bytes(entries));
    expect(reader.read_map(count));
    for (std::uint32_t i = 0; i < count; ++i) {
        std::string_view key;
        expect(reader.read_text(key));
        if (key == "chunk") {
            expect(reader.read_text(chunk));
        } else {
            is_gzip = is_gzip || key == "compressed";
            expect(reader.skip());
        }
    }
    std::string plain;
    if (is_gzip) {
        auto unpacked = monarc::compress::inflate(entries);
        expect(unpacked.has_value());
        plain = std::move(*unpacked);
        entries = plain;
    }
    std::uint64_t fields = 0;
    for (msgpack_reader each(entries); !each.at_end();) {
        fields += fields_of_entry(each);
    }
    {
        const std::lock_guard guard(lock_);
        ++counts_.messages;
        if (chunk.empty() || chunks_.emplace(chunk).second) {
            counts_.fields += fields;
        } else {
            ++counts_.repeated;
        }
    }
    if (acknowledges_ && !chunk.empty()) {
        std::string answer = "\x81\xa3"
                             "ack";
        answer += '\xd9';
        answer += static_cast<char>(chunk.size());
        answer += chunk;
        [[maybe_unused]] const auto sent =
            ::send(from.socket, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
}

} // namespace support
