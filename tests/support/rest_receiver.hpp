#pragma once

// Mona's REST interface and its token service on loopback, in a thread of its own, that answer as a
// script says, and keep every request.

#include "sink/http_server.hpp"
#include "support/three_counts.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::support {

struct rest_request {
    std::size_t number = 0; // among those to its path; the first is 1
    std::string path{};     // with its query
    std::string authorization{};
    std::string content_type{};
    bool was_gzip = false;
    std::string body{};       // unpacked
    std::size_t messages = 0; // of an export
    std::size_t connection = 0;
};

// Threads: any; the hook runs on the receiver's thread and may not call it.
class rest_receiver {
public:
    using answer = sink::http_answer;
    // Nothing: 200 with {}.
    using hook = std::function<std::optional<answer>(const rest_request&)>;

    explicit rest_receiver(hook on_request = {});
    ~rest_receiver();
    rest_receiver(const rest_receiver&) = delete;
    rest_receiver& operator=(const rest_receiver&) = delete;

    std::uint16_t port() const noexcept { return server_->port(); }
    std::string host() const { return "127.0.0.1:" + std::to_string(port()); }
    std::string url(std::string_view path) const;

    std::vector<rest_request> requests() const;
    std::vector<rest_request> requests_to(std::string_view path) const;
    // Members of all messages that were taken, those of a lost answer included.
    std::uint64_t fields_taken() const;

    static answer reply(int status, std::string body = "{}", sink::http_fields fields = {});
    // Taken, but nobody learns of it.
    static answer silence();
    // `life` in seconds.
    static answer token(std::string_view jwt, std::string_view refresh, double life);

private:
    answer serve(const sink::http_request& http);
    void take(const rest_request& request, const answer& said);

    hook on_request_;
    mutable std::mutex lock_;
    std::vector<rest_request> requests_;
    std::map<std::string, std::size_t> counts_;
    std::uint64_t fields_taken_ = 0;
    std::unique_ptr<sink::http_server> server_; // destroyed first
};

// A token whose payload has that tenantId.
std::string jwt_of(std::string_view tenant, int number = 1);

// At rest. Each record has `fields_per_record` fields; what was refused, filtered or lost was not
// taken, unless its answer was lost.
void check_rest_ledger(
    const application& app,
    const exporter_stats& stats,
    const rest_receiver& receiver,
    const ledger_case& how = {.fields_per_record = 1});

} // namespace monarc::support
