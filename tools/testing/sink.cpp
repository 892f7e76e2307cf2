#include "sink/held_port.hpp"
#include "sink/http_server.hpp"
#include "sink/monasca_api.hpp"
#include "sink/monasca_server.hpp"
#include "sink/server.hpp"
#include "testing/received.hpp"

#include <monarc/testing.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace monarc::testing {

using namespace std::chrono_literals;

std::string received_context::field(std::string_view name) const {
    for (auto record = records.rbegin(); record != records.rend(); ++record)
        if (const auto found = record->fields.find(name); found != record->fields.end())
            return found->second;
    return {};
}

json_fields received_context::fields() const {
    json_fields all;
    for (const auto& record : records)
        for (const auto& [name, value] : record.fields)
            all.insert_or_assign(name, value);
    return all;
}

struct [[gnu::visibility("hidden")]] sink::state {
    state();
    void listen();
    void stop();

    received arrived;
    std::atomic<bool> is_answering{true};
    monarc::sink::held_port forward_port;
    monarc::sink::held_port monasca_port;
    monarc::sink::monasca_api monasca;

    std::mutex mutex; // guards what follows, which is destroyed first
    std::unique_ptr<monarc::sink::server> forward_server;
    std::unique_ptr<monarc::sink::http_server> monasca_server;

private:
    monarc::sink::monasca_options monasca_settings();
    monarc::sink::options forward_settings();
};

sink::state::state() : monasca(monasca_settings()) {
    listen();
}

monarc::sink::monasca_options sink::state::monasca_settings() {
    monarc::sink::monasca_options made;
    made.on_measurement = [this](std::string_view, const monarc::sink::measurement& m) {
        arrived.take(m);
    };
    return made;
}

monarc::sink::options sink::state::forward_settings() {
    monarc::sink::options made;
    made.port = forward_port.port();
    made.answer = is_answering;
    made.on_event = [this](const monarc::sink::arrived_event& event) { arrived.take(event); };
    return made;
}

void sink::state::listen() {
    const std::lock_guard guard(mutex);
    if (!forward_server)
        forward_server = std::make_unique<monarc::sink::server>(forward_settings());
    if (monasca_server)
        return;
    monarc::sink::http_options http;
    http.port = monasca_port.port();
    monasca_server = std::make_unique<monarc::sink::http_server>(
        std::move(http), [this](const monarc::sink::http_request& request) {
            monarc::sink::http_answer answer;
            answer.response = monasca.serve(request, monarc::sink::wall_clock_milliseconds());
            answer.is_silent = !is_answering;
            return answer;
        });
}

void sink::state::stop() {
    const std::lock_guard guard(mutex);
    forward_server.reset();
    monasca_server.reset();
}

sink::sink() : state_(new state) {}

sink::~sink() {
    delete state_;
}

exporter_options sink::options() const {
    exporter_options made;
    made.mona = mona_forward_options{.port = port()};
    made.monasca = monasca_options{
        .url = monasca_url(),
        .token = secret("any"),
        .interval = 1s,
        .dimensions = std::map<std::string, std::string>{}};
    made.batch.max_delay = 5ms;
    made.retry.min_wait = 5ms;
    made.retry.max_wait = 100ms;
    made.response_timeout = 1s;
    return made;
}

std::uint16_t sink::port() const noexcept {
    return state_->forward_port.port();
}

std::string sink::monasca_url() const {
    return "http://127.0.0.1:" + std::to_string(state_->monasca_port.port()) + "/v2.0";
}

received_context sink::context(std::string_view class_name, std::string_view id) const {
    return state_->arrived.context(class_name, id);
}

std::vector<std::string> sink::ids(std::string_view class_name) const {
    return state_->arrived.ids(class_name);
}

std::uint64_t sink::contexts(std::string_view class_name) const {
    return ids(class_name).size();
}

std::uint64_t sink::records() const {
    return state_->arrived.records();
}

std::vector<received_measurement>
sink::measurements(std::string_view name, const dimensions& among) const {
    return state_->arrived.measurements(name, among);
}

bool sink::wait_for_records(std::uint64_t count, std::chrono::milliseconds timeout) const {
    return wait_until([&] { return records() >= count; }, timeout);
}

bool sink::wait_until(const std::function<bool()>& holds, std::chrono::milliseconds timeout) const {
    return state_->arrived.wait_until(holds, timeout);
}

void sink::stop() {
    state_->stop();
}

void sink::restart() {
    state_->stop();
    state_->listen();
}

void sink::set_answering(bool on) noexcept {
    state_->is_answering = on;
    const std::lock_guard guard(state_->mutex);
    if (state_->forward_server)
        state_->forward_server->set_answering(on);
}

} // namespace monarc::testing
