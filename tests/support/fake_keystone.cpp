#include "support/fake_keystone.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace monarc::support {
using steady = std::chrono::steady_clock;

namespace {

std::string time_text(std::int64_t milliseconds) {
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.000000Z", fmt::gmtime(seconds));
}

} // namespace

fake_keystone::fake_keystone() {
    start();
}

fake_keystone::~fake_keystone() {
    stop();
}

std::string fake_keystone::url() const {
    return fmt::format("http://127.0.0.1:{}/v3", port());
}

void fake_keystone::set_life(std::chrono::milliseconds life) {
    const std::lock_guard guard(lock_);
    life_ = life;
}
void fake_keystone::set_roles(std::string json) {
    const std::lock_guard guard(lock_);
    roles_ = std::move(json);
}
void fake_keystone::set_service(std::string url) {
    const std::lock_guard guard(lock_);
    service_ = std::move(url);
}
void fake_keystone::set_hook(request_hook hook) {
    const std::lock_guard guard(lock_);
    hook_ = std::move(hook);
}

void fake_keystone::start() {
    sink::http_options options;
    options.port = port();
    server_ = std::make_unique<sink::http_server>(
        std::move(options), [this](const sink::http_request& http) { return serve(http); });
}

void fake_keystone::stop() {
    server_.reset();
}

bool fake_keystone::is_good(const std::string& token) const {
    const std::lock_guard guard(lock_);
    const auto found = tokens_.find(token);
    return found != tokens_.end() && steady::now() < found->second;
}

void fake_keystone::revoke_all() {
    const std::lock_guard guard(lock_);
    tokens_.clear();
}

std::vector<keystone_request> fake_keystone::requests() const {
    const std::lock_guard guard(lock_);
    return requests_;
}

std::size_t fake_keystone::logins() const {
    const auto all = requests();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](const auto& one) { return one.http.method == "POST"; }));
}

std::size_t fake_keystone::issued() const {
    const std::lock_guard guard(lock_);
    return issued_;
}

sink::http_response fake_keystone::issue() {
    const auto token = fmt::format("fake-token-{}", ++issued_);
    tokens_[token] = steady::now() + life_;
    // Its times are in whole seconds: what they say is the difference.
    const auto now = std::time(nullptr) * 1000;
    return {
        201,
        {{"Content-Type", "application/json"}, {"X-Subject-Token", token}},
        fmt::format(
            R"({{"token":{{"methods":["password"],"issued_at":"{}","expires_at":"{}",)"
            R"("project":{{"id":"0123456789abcdef0123456789abcdef","name":"metrics"}},"roles":{},)"
            R"("catalog":[{{"type":"monitoring","name":"monasca","endpoints":[{{"interface":)"
            R"("public","region":"RegionOne","region_id":"RegionOne","url":"{}"}}]}}]}}}})",
            time_text(now),
            time_text(now + life_.count()),
            roles_,
            service_)};
}

sink::http_answer fake_keystone::serve(const sink::http_request& http) {
    const std::lock_guard guard(lock_);
    sink::http_answer answer;
    const bool is_login = http.method == "POST" && http.path == "/v3/auth/tokens";
    if (is_login) {
        answer.response = issue();
    } else if (http.method == "GET" && http.path == "/") {
        answer.response = {
            300,
            {{"Content-Type", "application/json"}},
            fmt::format(
                R"({{"versions":{{"values":[{{"id":"v3.14","status":"stable","links":[{{"rel":)"
                R"("self","href":"http://127.0.0.1:{}/v3/"}}]}}]}}}})",
                port())};
    } else {
        answer.response = {404, {}, R"({"error":{"code":404,"title":"Not Found"}})"};
    }
    if (hook_) {
        hook_(http, answer);
    }
    if (is_login && answer.response.status != 201) { // the script takes it back
        tokens_.erase(fmt::format("fake-token-{}", issued_--));
    }
    requests_.push_back(
        {.number = requests_.size() + 1,
         .http = http,
         .arrived = steady::now(),
         .status = answer.response.status});
    return answer;
}

} // namespace monarc::support
