#include "golden/sdk_player.hpp"

#include "core/sdk_environment.hpp"
#include "golden/sdk_client.hpp"
#include "golden/sdk_value.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace monarc::golden {
namespace {

using sink::python::kind;

constexpr int info = 20;
constexpr int warning = 30;
constexpr int error = 40;

std::string_view
text_of(const json_value& step, std::string_view name, std::string_view otherwise) {
    const auto* const found = step.find(name);
    return found != nullptr ? found->text : otherwise;
}

const json_value* argument(const json_value& step, std::string_view name) {
    const auto* const arguments = step.find("args");
    return arguments != nullptr ? arguments->find(name) : nullptr;
}

std::string error_object(std::string_view code) {
    return fmt::format(
        R"(return {{"data":null,"error_message":{{"$error":"{}"}},"success":false}})", code);
}

class player {
public:
    player(const json_value& recording, sdk_server& server)
        : recording_(recording), server_(server) {}

    sdk_observation play();

private:
    void prepare_environment();
    // The original looks at it when a client is made, not when it is loaded.
    bool has_unknown_mode() const { return environment_.wrong.starts_with("AUTH_MODE "); }
    void run_step(const json_value& step, const std::string& number);
    std::string make_client(const json_value& step);
    std::string look_at_urls(const sdk_client& client);
    std::string send(const json_value& step, sdk_client& client, bool is_batch);
    std::string tell(sdk_client& client, const sdk_outcome& outcome, bool is_batch);
    std::string fail(const sdk_client& client, std::string otherwise);
    void tell_of_tokens(const sdk_client& client, std::size_t first, bool is_new, bool has_token);
    void log(int level, std::string_view code);

    const json_value& recording_;
    sdk_server& server_;
    sdk_environment environment_;
    std::map<std::string, std::shared_ptr<sdk_client>> clients_;
    std::map<std::string, std::shared_ptr<sdk_client>> by_arguments_;
    sdk_observation seen_;
};

void player::log(int level, std::string_view code) {
    seen_.log.push_back(
        {.level = level, .code = std::string(code), .field = environment_.logger_name});
}

void player::prepare_environment() {
    std::vector<std::string> names;
    for (char** one = ::environ; *one != nullptr; ++one) {
        const std::string_view line(*one);
        names.emplace_back(line.substr(0, line.find('=')));
    }
    for (const auto& name : names) {
        if (name.starts_with("MONA_") || name == "AUTH_MODE" || name.starts_with("SAMPLING_")) {
            ::unsetenv(name.c_str());
        }
    }
    if (const auto* const variables = recording_.find("setup")->find("env")) {
        for (const auto& [name, value] : variables->members) {
            if (value.kind != kind::none) {
                ::setenv(std::string(name).c_str(), std::string(value.text).c_str(), 1);
            }
        }
    }
    environment_ = read_sdk_environment([](const char* name) { return std::getenv(name); });
}

// What the original says of the exchanges with the token service since the `first`.
void player::tell_of_tokens(
    const sdk_client& client, std::size_t first, bool is_new, bool has_token) {
    std::vector<sdk_server::exchange> all;
    for (auto& one : server_.seen(first)) {
        if (!client.is_export(one)) {
            all.push_back(std::move(one));
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].was_json) {
            continue; // tried again without a word
        }
        log(info, "auth_response");
        const bool is_last = i + 1 == all.size();
        if (!is_last && client.is_refresh(all[i]) && !client.is_refresh(all[i + 1])) {
            log(warning, "refresh_fallback");
        } else if (is_last && has_token) {
            log(info, is_new ? "token_new" : "token_refreshed");
        } else if (is_last) {
            log(error, is_new ? "auth_failed" : "refresh_failed");
        }
    }
}

std::string player::make_client(const json_value& step) {
    const auto* const arguments = step.find("args");
    const std::string name(text_of(step, "client", "c"));
    clients_.erase(name);
    const auto written = arguments != nullptr ? canonical_result(*arguments) : std::string();
    if (const auto same = by_arguments_.find(written); same != by_arguments_.end()) {
        clients_[name] = same->second; // one exporter serves both, and its token as well
        return "return \"ok\"";
    }
    std::vector<double> numbers;
    if (const auto* const random = recording_.find("setup")->find("random")) {
        for (const auto& [index, number] : random->members) {
            numbers.push_back(sink::python::to_double(number));
        }
    }
    std::shared_ptr<sdk_client> client;
    const bool chooses_mode = argument(step, "auth_mode") != nullptr ||
                              argument(step, "access_token") != nullptr ||
                              argument(step, "should_use_authentication") != nullptr;
    try {
        if (has_unknown_mode() && !chooses_mode) {
            throw std::system_error(errc::bad_options, environment_.wrong);
        }
        client = std::make_shared<sdk_client>(environment_, arguments, std::move(numbers), server_);
    } catch (const std::system_error&) {
        return "raises \"MonaInitializationException\"";
    }
    const auto requests = server_.seen().size();
    const bool has_token = client->sign_in();
    if (client->has_manual_token()) {
        log(info, "manual_token_mode");
    }
    tell_of_tokens(*client, requests, true, has_token);
    if (!has_token && client->raises_authentication) {
        return "raises \"MonaAuthenticationException\"";
    }
    clients_[name] = client;
    if (has_token) {
        by_arguments_[written] = client;
    }
    return "return \"ok\"";
}

std::string player::look_at_urls(const sdk_client& client) {
    return fmt::format(
        R"(return {{"app":"{}","export":"{}","user_id":"{}"}})",
        client.services_url(),
        client.export_url(),
        client.user_id());
}

std::string player::fail(const sdk_client& client, std::string otherwise) {
    return client.raises_export ? "raises \"MonaExportException\"" : otherwise;
}

std::string player::tell(sdk_client& client, const sdk_outcome& outcome, bool is_batch) {
    for (std::size_t i = 0; i < outcome.not_object + outcome.null; ++i) {
        log(error, "message_not_object");
    }
    if (outcome.not_message != 0) {
        log(error, "not_a_message");
        return fail(client, "return false");
    }
    if (outcome.not_json != 0) {
        log(error, "not_json");
        return fail(client, "return false");
    }
    if (outcome.not_object != 0) {
        return fail(client, "return false");
    }
    if (outcome.has_no_token) {
        log(error, "not_authenticated");
        return client.raises_authentication ? "raises \"MonaAuthenticationException\""
                                            : error_object("not_authenticated");
    }
    if (outcome.has_no_answer) {
        log(error, "rest_unreachable");
        return fail(client, "return false");
    }
    const auto failed = outcome.asked - outcome.sent;
    if (failed != 0) {
        log(error, "some_failed");
    } else {
        log(info, outcome.asked == 0 ? "none_sampled" : "all_sent");
    }
    if (failed != 0 && client.raises_export) {
        return fail(client, {});
    }
    if (!is_batch) {
        return failed == 0 ? "return true" : "return false";
    }
    const auto reasons = failed == 0 ? std::string("{}")
                         : !outcome.failure_reasons.empty()
                             ? outcome.failure_reasons
                             : R"({"$error":"answer_not_understood"})";
    return fmt::format(
        R"(return {{"failed":{},"failure_reasons":{},"sent":{},"total":{}}})",
        failed,
        reasons,
        outcome.sent,
        outcome.asked);
}

std::string player::send(const json_value& step, sdk_client& client, bool is_batch) {
    std::vector<const json_value*> messages;
    const auto* const what = argument(step, is_batch ? "events" : "message");
    if (is_batch && (what == nullptr || what->kind != kind::list)) {
        log(error, "batch_not_iterable"); // no span of events
        return fail(client, "return false");
    }
    if (is_batch && what->members.empty()) {
        return fail(client, "return false");
    }
    if (is_batch) {
        for (const auto& one : what->members) {
            messages.push_back(&one.held);
        }
    } else {
        messages.push_back(what);
    }
    const auto requests = server_.seen().size();
    const auto outcome = client.send(
        messages, argument(step, "default_action"), argument(step, "filter_none_fields"));
    tell_of_tokens(client, requests, false, !outcome.has_no_token);
    return tell(client, outcome, is_batch);
}

void player::run_step(const json_value& step, const std::string& number) {
    const std::string op(text_of(step, "op", ""));
    const auto record = [&](std::string said) {
        seen_.results.push_back({.step = number, .op = op, .said = std::move(said)});
    };
    if (op == "sleep") {
        std::this_thread::sleep_for(
            std::chrono::duration<double>(sink::python::to_double(*step.find("seconds"))));
        return;
    }
    if (op == "new_client") {
        record(make_client(step));
        return;
    }
    if (op == "logger_state") {
        record(fmt::format(R"(return {{"level":{}}})", environment_.logging_level));
        return;
    }
    if (is_service(op)) {
        return;
    }
    const auto client = clients_.find(std::string(text_of(step, "client", "c")));
    if (client == clients_.end()) {
        record("raises \"KeyError\""); // the driver's own
    } else if (op == "urls") {
        record(look_at_urls(*client->second));
    } else if (op == "send_event" || op == "export") {
        record(send(step, *client->second, false));
    } else if (op == "send_events_batch" || op == "export_batch") {
        record(send(step, *client->second, true));
    } else {
        throw std::runtime_error("the runner does not know the op " + op);
    }
}

sdk_observation player::play() {
    prepare_environment();
    if (!environment_.wrong.empty() && !has_unknown_mode()) {
        seen_.load_error =
            environment_.is_initialisation ? "MonaInitializationException" : error_of_loading;
        return std::move(seen_);
    }
    if (!environment_.bad_level.empty()) {
        log(error, "bad_logging_level");
    }
    const auto& steps = recording_.find("steps")->members;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        seen_.before_steps.push_back({seen_.log.size(), server_.seen().size()});
        run_step(steps[i].held, std::to_string(i));
    }
    for (auto& one : server_.seen()) {
        seen_.http.push_back(std::move(one.request));
    }
    return std::move(seen_);
}

} // namespace

bool is_service(std::string_view op) {
    constexpr std::array<std::string_view, 16> services{
        "get_config",
        "upload_config",
        "upload_config_per_context_class",
        "get_suggested_config",
        "get_suggested_config_from_user_input",
        "get_config_history",
        "get_sampling_factors",
        "create_sampling_factor",
        "validate_config",
        "validate_config_per_context_class",
        "get_insights",
        "get_ingested_data_for_a_specific_segment",
        "get_aggregated_data_of_a_specific_segment",
        "get_aggregated_stats_of_a_specific_segmentation",
        "create_openai_context_class",
        "initiate_csv_upload_request"};
    return std::find(services.begin(), services.end(), op) != services.end();
}

sdk_observation play_sdk(const json_value& recording, sdk_server& server) {
    return player(recording, server).play();
}

} // namespace monarc::golden
