#include "golden/sdk_client.hpp"

#include "encode/json_writer.hpp"
#include "golden/sdk_value.hpp"
#include "pipeline/rest_access.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace monarc::golden {
namespace {

using namespace std::chrono_literals;
using sink::python::kind;

constexpr auto patience = 60s;                        // for what ends long before on any machine
constexpr auto shortest_time_between_tokens = 1100ms; // D-11.2, and a little

const json_value* given(const json_value* arguments, std::string_view name) {
    const auto* const found = arguments != nullptr ? arguments->find(name) : nullptr;
    return found != nullptr && found->kind != kind::none ? found : nullptr;
}

void take_text(std::string& to, const json_value* value) {
    if (value != nullptr) {
        to = value->text;
    }
}

void take_secret(secret& to, const json_value* value) {
    if (value != nullptr) {
        to = secret(std::string(value->text));
    }
}

void take_switch(bool& to, const json_value* value) {
    if (value != nullptr) {
        to = value->text == "true";
    }
}

mona_auth_mode mode_of(std::string_view word) {
    constexpr std::array<std::pair<std::string_view, mona_auth_mode>, 4> words{
        {{"MONA", mona_auth_mode::mona},
         {"OIDC", mona_auth_mode::oidc},
         {"MANUAL_TOKEN", mona_auth_mode::token},
         {"NO_AUTH", mona_auth_mode::none}}};
    const auto* const found = std::find_if(
        words.begin(), words.end(), [&](const auto& one) { return one.first == word; });
    if (found == words.end()) {
        throw std::system_error(errc::bad_options, "no such mode");
    }
    return found->second;
}

std::string member(std::string_view name, const json_value& value) {
    std::string text;
    encode::put_json_text(text, name);
    return text + ":" + offered_text(value);
}

// Everything of a message but its fields, in the words of the wire.
std::string members_beside(const json_value& message, bool uses_send_timestamp) {
    const auto* const old_time = given(&message, "exportTimestamp");
    const auto* const new_time = given(&message, "sendTimestamp");
    std::string text;
    const auto add = [&](std::string_view name, const json_value* value) {
        if (value != nullptr) {
            text += ',' + member(name, *value);
        }
    };
    const auto* const class_name = given(&message, "contextClass");
    text = class_name != nullptr ? member("arcClass", *class_name) : R"("arcClass":null)";
    add("contextId", given(&message, "contextId"));
    add("action", given(&message, "action"));
    add("sampleConfigName", given(&message, "sampleConfigName"));
    if (old_time != nullptr && new_time != nullptr) {
        add("exportTimestamp", old_time);
        add("sendTimestamp", new_time);
    } else {
        add(uses_send_timestamp ? "sendTimestamp" : "exportTimestamp",
            old_time != nullptr ? old_time : new_time);
    }
    return text;
}

// The reasons that the server gave, if our last error tells them; empty if it gave none.
std::string reasons_in(std::string_view answer, std::string_view told) {
    const auto document = sink::python::document::read(answer);
    if (!document) {
        return {};
    }
    if (const auto* const error = given(&document->root(), "topLevelError")) {
        const auto text =
            error->kind == kind::text ? std::string(error->text) : sink::python::to_json(*error);
        return told.find(": " + text) != told.npos ? canonical_result(*error) : std::string();
    }
    const auto* const reasons = given(&document->root(), "failure_reasons");
    if (reasons == nullptr || told.find(" messages refused: ") == told.npos) {
        return {};
    }
    for (const auto& [place, reason] : reasons->members) {
        const auto line = fmt::format("[{}] {}", place, sink::python::to_json(reason));
        if (told.find(line) == told.npos) {
            return fmt::format("what we say of it lacks {}", line);
        }
    }
    return canonical_result(*reasons);
}

} // namespace

sdk_client::sdk_client(
    const sdk_environment& environment,
    const json_value* arguments,
    std::vector<double> random_numbers,
    sdk_server& server)
    : raises_authentication(environment.raises_authentication),
      raises_export(environment.raises_export), options_(environment.options), server_(server) {
    take_arguments(arguments);
    exporter_options all;
    all.mona = options_;
    all.batch.max_delay = 1h;   // a flush seals
    all.retry.max_attempts = 1; // the original has no second one
    all.close_timeout = 0ms;
    all.log = [](const log_line&) {};
    exporter_ = std::make_unique<exporter>(std::move(all));
    if (!random_numbers.empty()) {
        pipeline::set_rest_random(*exporter_, std::move(random_numbers));
    }
}

void sdk_client::take_arguments(const json_value* arguments) {
    const auto argument = [&](std::string_view name) { return given(arguments, name); };
    take_secret(options_.api_key, argument("api_key"));
    const bool has_token = options_.auth == mona_auth_mode::token; // of the environment
    if (!has_token) {
        take_secret(options_.secret, argument("secret"));
    }
    take_text(options_.user_id, argument("user_id"));
    take_text(options_.url, argument("override_rest_api_full_url"));
    take_text(options_.host, argument("override_rest_api_host"));
    take_text(options_.token_url, argument("auth_api_token_url"));
    take_text(options_.refresh_url, argument("refresh_token_url"));
    take_text(options_.oidc_scope, argument("oidc_scope"));
    take_switch(options_.use_tls, argument("should_use_ssl"));
    take_switch(options_.use_refresh_tokens, argument("should_use_refresh_tokens"));
    take_switch(options_.drop_nulls, argument("filter_none_fields_on_export"));
    take_switch(raises_authentication, argument("raise_authentication_exceptions"));
    take_switch(raises_export, argument("raise_export_exceptions"));
    if (const auto* const retries = argument("num_of_retries_for_authentication")) {
        options_.login_retries = static_cast<std::uint32_t>(sink::python::to_double(*retries));
    }
    if (const auto* const wait = argument("wait_time_for_authentication_retries")) {
        options_.login_retry_wait = std::chrono::milliseconds(
            static_cast<std::int64_t>(sink::python::to_double(*wait) * 1000));
    }
    if (const auto* const mode = argument("auth_mode")) {
        options_.auth = mode_of(mode->text);
    }
    if (const auto* const token = argument("access_token")) {
        options_.auth = mona_auth_mode::token;
        take_secret(options_.secret, token);
    } else if (options_.auth == mona_auth_mode::token && !has_token) {
        options_.secret = secret();
    }
    if (const auto* const wanted = argument("should_use_authentication");
        wanted != nullptr && wanted->text == "false") {
        options_.auth = mona_auth_mode::none;
    }
    take_sampling(arguments);
    // Message by message, reserved names as the original has them.
    options_.reserved_keys = reserved_key_mode::rename;
    options_.merge = merge_mode::off;
    logs_in_ = options_.auth == mona_auth_mode::mona || options_.auth == mona_auth_mode::oidc;
    user_id_ = options_.user_id;
    take_text(services_url_, argument("override_app_server_full_url"));
    take_text(services_host_, argument("override_app_server_host"));
}

void sdk_client::take_sampling(const json_value* arguments) {
    const auto* const rate = given(arguments, "default_sampling_rate");
    const auto* const by_class = given(arguments, "context_class_to_sampling_rate");
    const auto* const name = given(arguments, "sampling_config_name");
    if (rate != nullptr) {
        options_.sampling["*"] = sink::python::to_double(*rate);
    }
    if (by_class != nullptr) {
        for (const auto& [class_name, share] : by_class->members) {
            options_.sampling[std::string(class_name)] = sink::python::to_double(share);
        }
    }
    if (name != nullptr) { // ours only tells the name: mona-rest.md section 14
        if (by_class != nullptr) {
            throw std::system_error(errc::bad_options, "a sampling name and a map");
        }
        envelope_ = member("sampleConfigName", *name);
    }
}

bool sdk_client::sign_in() {
    const auto found = pipeline::rest_sign_in(*exporter_, patience);
    if (found) {
        url_ = found->url;
        user_id_ = found->user_id;
    }
    has_token_ = found.has_value();
    return has_token_;
}

bool sdk_client::is_export(const sdk_server::exchange& one) const {
    return !url_.empty() && url_.ends_with(one.request.target);
}

std::string sdk_client::services_url() const {
    if (!services_url_.empty()) {
        return services_url_;
    }
    const auto host = !services_host_.empty()  ? services_host_
                      : !options_.host.empty() ? options_.host
                                               : fmt::format("api{}.monalabs.io", user_id_);
    return fmt::format("{}://{}", options_.use_tls ? "https" : "http", host);
}

// A token whose margin is longer than its life is replaced for each call of the original; ours does
// so once a second. The script does not say how much time its calls take.
void sdk_client::wait_until_token_may_be_replaced() {
    if (logs_in_ && options_.refresh_margin && *options_.refresh_margin > 0ms) {
        std::this_thread::sleep_for(shortest_time_between_tokens);
    }
}

void sdk_client::push(
    const json_value& wrapped, const json_value* filter_none_fields, sdk_outcome& to) {
    const auto* const message = wrapped.find("$message");
    if (message == nullptr) {
        ++to.not_message;
        return;
    }
    const auto* const fields = message->find("message");
    const bool is_null = fields == nullptr || fields->kind == kind::none;
    const auto* const class_name = given(message, "contextClass");
    const auto* const id = given(message, "contextId");
    pipeline::rest_event event{
        .class_name = class_name != nullptr ? std::string(class_name->text) : std::string(),
        .id = id != nullptr ? std::string(id->text) : std::string(),
        .members = members_beside(*message, options_.use_send_timestamp),
        .message = is_null ? "{}" : offered_text(*fields), // there is no other way to say nothing
        .drops_nulls = {}};
    if (filter_none_fields != nullptr && filter_none_fields->kind != kind::none) {
        event.drops_nulls = filter_none_fields->text == "true";
    }
    to.null += is_null ? 1 : 0;
    switch (pipeline::push_rest_event(*exporter_, event)) {
    case pipeline::rest_push::accepted: ++to.asked; break;
    case pipeline::rest_push::rejected: throw std::runtime_error("a push was rejected");
    case pipeline::rest_push::not_json: ++to.not_json; break;
    case pipeline::rest_push::not_object: ++to.not_object; break;
    }
}

sdk_outcome sdk_client::send(
    const std::vector<const json_value*>& messages,
    const json_value* default_action,
    const json_value* filter_none_fields) {
    wait_until_token_may_be_replaced();
    auto envelope = envelope_;
    if (default_action != nullptr && default_action->kind != kind::none) {
        envelope =
            member("defaultAction", *default_action) + (envelope.empty() ? "" : ",") + envelope;
    }
    pipeline::set_rest_envelope(*exporter_, envelope);
    if (has_token_) { // else each call would log in again
        exporter_->retry_now();
    }
    const auto before = exporter_->stats().destinations.front();
    const auto requests_before = server_.seen().size();
    sdk_outcome outcome;
    for (const auto* const one : messages) {
        push(*one, filter_none_fields, outcome);
    }
    exporter_->flush(has_token_ ? std::chrono::milliseconds(patience) : 500ms);
    const auto after = exporter_->stats().destinations.front();
    outcome.asked -= after.filtered.total() - before.filtered.total();
    outcome.sent = after.delivered - before.delivered;
    if (outcome.sent == outcome.asked) {
        return outcome;
    }
    const auto exchanges = server_.seen(requests_before);
    const auto last = std::find_if(
        exchanges.rbegin(), exchanges.rend(), [&](const auto& one) { return is_export(one); });
    const bool was_answered = last != exchanges.rend();
    outcome.has_no_token = logs_in_ && !was_answered && !sign_in();
    outcome.has_no_answer = !was_answered && !outcome.has_no_token;
    if (was_answered) {
        outcome.failure_reasons = reasons_in(last->answer, after.last_error);
    }
    return outcome;
}

} // namespace monarc::golden
