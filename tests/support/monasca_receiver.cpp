#include "support/monasca_receiver.hpp"

#include "sink/monasca_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace monarc::support {
namespace {

// A socket that is bound and does not listen: the port is ours, and connects are refused. Who
// listens there needs SO_REUSEADDR, and so does this.
int hold_port(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::system_error(errno, std::system_category(), "bind");
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0)
        throw std::system_error(errno, std::system_category(), "getsockname");
    return ntohs(address.sin_port);
}

} // namespace

monasca_receiver::monasca_receiver(monasca_settings settings) : settings_(std::move(settings)) {
    // A port that was asked for by its number stays ours while nobody listens on it.
    const int first = hold_port(0);
    port_ = port_of(first);
    ::close(first);
    holder_ = hold_port(port_);

    auto options = settings_.monasca;
    options.on_measurement = [this, chained = std::move(options.on_measurement)](
                                 std::string_view tenant, const sink::measurement& m) {
        if (chained)
            chained(tenant, m);
        const std::lock_guard guard(lock_);
        measurements_.push_back({serving_, std::string(tenant), m});
    };
    api_ = std::make_unique<sink::monasca_api>(std::move(options));
}

monasca_receiver::~monasca_receiver() {
    stop();
    ::close(holder_);
}

std::string monasca_receiver::url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/v2.0";
}

void monasca_receiver::start() {
    sink::http_options options;
    options.port = port_;
    options.limits = settings_.limits;
    options.limits.keep_alive = settings_.keep_alive;
    const std::lock_guard guard(lock_);
    server_ = std::make_unique<sink::http_server>(
        std::move(options), [this](const sink::http_request& http) { return serve(http); });
}

void monasca_receiver::stop() {
    std::unique_ptr<sink::http_server> ending;
    {
        const std::lock_guard guard(lock_);
        ending = std::move(server_);
    }
    if (!ending)
        return;
    ending->stop(); // not under the lock, which its thread may be waiting for
    const std::lock_guard guard(lock_);
    past_connections_ += ending->counts().connections;
}

sink::http_answer monasca_receiver::serve(const sink::http_request& http) {
    monasca_request request;
    request.number = ++serving_;
    request.http = http;
    request.arrived = std::chrono::steady_clock::now();
    monasca_reaction reaction;
    if (on_request_)
        on_request_(request, reaction);

    sink::http_answer answer;
    if (reaction.takes)
        answer.response = api_->serve(http, sink::wall_clock_milliseconds());
    if (reaction.instead)
        answer.response = std::move(*reaction.instead);
    answer.raw = std::move(reaction.raw);
    answer.wait = reaction.wait;
    answer.is_silent = reaction.is_silent;
    answer.then = reaction.then;

    request.was_taken = reaction.takes;
    request.status = answer.raw.empty() ? answer.response.status : 0;
    const std::lock_guard guard(lock_);
    requests_.push_back(std::move(request));
    changed_.notify_all();
    return answer;
}

std::vector<monasca_request> monasca_receiver::requests() const {
    const std::lock_guard guard(lock_);
    return requests_;
}

std::vector<received_measurement> monasca_receiver::measurements() const {
    const std::lock_guard guard(lock_);
    return measurements_;
}

std::size_t monasca_receiver::connections() const {
    const std::lock_guard guard(lock_);
    return past_connections_ + (server_ ? server_->counts().connections : 0);
}

sink::monasca_summary monasca_receiver::summary() const {
    return api_->snapshot();
}

bool monasca_receiver::wait_for_requests(
    std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, timeout, [&] { return requests_.size() >= count; });
}

bool monasca_receiver::wait_for_measurements(
    std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, timeout, [&] { return measurements_.size() >= count; });
}

} // namespace monarc::support
