#include "support/monasca_receiver.hpp"

#include "sink/monasca_server.hpp"

namespace monarc::support {
monasca_receiver::monasca_receiver(monasca_settings settings) : settings_(std::move(settings)) {
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
}

std::string monasca_receiver::url() const {
    return "http://127.0.0.1:" + std::to_string(port()) + "/v2.0";
}

void monasca_receiver::start() {
    sink::http_options options;
    options.port = port();
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
