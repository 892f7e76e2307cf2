#pragma once

// A Keystone on loopback, in a thread of its own, that issues tokens of a chosen life and knows
// which are still good. What it says can be replaced by a script.

#include "sink/held_port.hpp"
#include "sink/http_server.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace monarc::support {

struct keystone_request {
    std::size_t number = 0; // the first is 1
    sink::http_request http{};
    std::chrono::steady_clock::time_point arrived{};
    int status = 0; // what it was answered
};

// Threads: any; the hook runs on the server's thread and may not call it.
class fake_keystone {
public:
    using request_hook = std::function<void(const sink::http_request&, sink::http_answer&)>;

    // Listens at once.
    fake_keystone();
    ~fake_keystone();
    fake_keystone(const fake_keystone&) = delete;
    fake_keystone& operator=(const fake_keystone&) = delete;

    std::uint16_t port() const noexcept { return port_.port(); }
    std::string url() const; // http://127.0.0.1:port/v3

    // --- for the tokens that are issued from then on
    void set_life(std::chrono::milliseconds life);
    void set_roles(std::string json);  // `[{"name":"monasca-agent"}]`
    void set_service(std::string url); // in the catalogue
    // Sees each request with the answer that it would get.
    void set_hook(request_hook hook);

    void stop(); // then connects are refused
    void start();

    bool is_good(const std::string& token) const;
    void revoke_all();

    std::vector<keystone_request> requests() const;
    std::size_t logins() const; // requests for a token, whatever came of them
    std::size_t issued() const;

private:
    sink::http_answer serve(const sink::http_request& request);
    sink::http_response issue();

    sink::held_port port_;
    mutable std::mutex lock_;
    std::chrono::milliseconds life_{3'600'000};
    std::string roles_ = R"([{"id":"1","name":"monasca-agent"}])";
    std::string service_ = "http://127.0.0.1:1/v2.0";
    request_hook hook_;
    std::map<std::string, std::chrono::steady_clock::time_point> tokens_; // until when
    std::size_t issued_ = 0;
    std::vector<keystone_request> requests_;
    std::unique_ptr<sink::http_server> server_; // destroyed first
};

} // namespace monarc::support
