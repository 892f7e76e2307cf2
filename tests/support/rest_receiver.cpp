#include "support/rest_receiver.hpp"

#include "compress/inflate.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <set>
#include <utility>

namespace monarc::support {
namespace {

std::string base64url(std::string_view bytes) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned word = 0;
        const auto have = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k) {
            word = word << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        }
        for (std::size_t k = 0; k <= have; ++k) {
            text += letters[word >> (18 - 6 * k) & 63];
        }
    }
    return text;
}

} // namespace

std::string jwt_of(std::string_view tenant, int number) {
    return base64url(R"({"alg":"HS256","typ":"JWT"})") + '.' +
           base64url(fmt::format("{{\"tenantId\":\"{}\",\"n\":{}}}", tenant, number)) + ".c2ln";
}

rest_receiver::rest_receiver(hook on_request) : on_request_(std::move(on_request)) {
    server_ = std::make_unique<sink::http_server>(
        sink::http_options{}, [this](const sink::http_request& http) { return serve(http); });
}

rest_receiver::~rest_receiver() {
    server_->stop();
}

std::string rest_receiver::url(std::string_view path) const {
    return fmt::format("http://{}{}", host(), path);
}

rest_receiver::answer rest_receiver::reply(int status, std::string body, sink::http_fields fields) {
    answer made;
    made.response = {status, std::move(fields), std::move(body)};
    return made;
}

rest_receiver::answer rest_receiver::silence() {
    answer made;
    made.is_silent = true;
    made.then = answer::ending::stall;
    return made;
}

rest_receiver::answer
rest_receiver::token(std::string_view jwt, std::string_view refresh, double life) {
    return reply(
        200,
        fmt::format(
            "{{\"accessToken\":\"{}\",\"refreshToken\":\"{}\",\"expiresIn\":{}}}",
            jwt,
            refresh,
            life));
}

rest_receiver::answer rest_receiver::serve(const sink::http_request& http) {
    rest_request request;
    request.path = http.path + (http.query.empty() ? "" : "?" + http.query);
    request.authorization = http.field("Authorization");
    request.content_type = http.field("Content-Type");
    request.was_gzip = http.field("Content-Encoding") == "gzip";
    request.body = http.body;
    request.connection = http.connection;
    if (request.was_gzip) {
        auto plain = compress::inflate(http.body);
        request.body = plain ? *plain : std::string();
    }
    simdjson::dom::parser parser;
    simdjson::dom::array messages;
    if (parser.parse(request.body)["messages"].get(messages) == simdjson::SUCCESS) {
        request.messages = messages.size();
    }
    {
        const std::lock_guard guard(lock_);
        request.number = ++counts_[request.path];
        requests_.push_back(request);
    }
    auto said = on_request_ ? on_request_(request) : std::nullopt;
    auto answered = said ? std::move(*said) : reply(200);
    take(request, answered);
    return answered;
}

// As a server would: all of it, or what it does not report as failed.
void rest_receiver::take(const rest_request& request, const answer& said) {
    std::set<std::string> refused;
    const bool is_good = said.is_silent || said.response.status < 300;
    simdjson::dom::parser of_answer;
    simdjson::dom::object reasons;
    const bool is_partial = !is_good && of_answer.parse(said.response.body)["failure_reasons"].get(
                                            reasons) == simdjson::SUCCESS;
    if (!is_good && !is_partial) {
        return;
    }
    if (is_partial) {
        for (const auto one : reasons) {
            refused.emplace(one.key);
        }
    }
    simdjson::dom::parser parser;
    simdjson::dom::array messages;
    if (parser.parse(request.body)["messages"].get(messages) != simdjson::SUCCESS) {
        return;
    }
    std::size_t place = 0;
    std::uint64_t fields = 0;
    for (const auto one : messages) {
        simdjson::dom::object message;
        if (!refused.contains(std::to_string(place++)) &&
            one["message"].get(message) == simdjson::SUCCESS) {
            fields += message.size();
        }
    }
    const std::lock_guard guard(lock_);
    fields_taken_ += fields;
}

std::vector<rest_request> rest_receiver::requests() const {
    const std::lock_guard guard(lock_);
    return requests_;
}

std::vector<rest_request> rest_receiver::requests_to(std::string_view path) const {
    auto all = requests();
    std::erase_if(all, [&](const rest_request& one) { return one.path != path; });
    return all;
}

std::uint64_t rest_receiver::fields_taken() const {
    const std::lock_guard guard(lock_);
    return fields_taken_;
}

void check_rest_ledger(
    const application& app,
    const exporter_stats& stats,
    const rest_receiver& receiver,
    const ledger_case& how) {
    CHECK(stats.is_exact());
    CHECK(stats.accepted == app.accepted());
    CHECK(stats.rejected.total() == app.refused());
    REQUIRE(stats.destinations.size() >= 1);
    const auto& to = stats.destinations[0];
    CHECK(to.pending == 0);
    const auto delivered = to.delivered * how.fields_per_record;
    CHECK(receiver.fields_taken() >= delivered);
    if (!how.answers_were_lost) {
        CHECK(receiver.fields_taken() == delivered);
    }
}

} // namespace monarc::support
