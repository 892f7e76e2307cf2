#include "golden/sdk_script.hpp"

#include "encode/json_writer.hpp"
#include "golden/sdk_value.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace monarc::golden {
namespace {

using sink::python::kind;

const json_value* given(const json_value* object, std::string_view name) {
    const auto* const found = object != nullptr ? object->find(name) : nullptr;
    return found != nullptr && found->kind != kind::none ? found : nullptr;
}

std::string text_of(const json_value* object, std::string_view name) {
    const auto* const found = given(object, name);
    return found != nullptr ? std::string(found->text) : std::string();
}

bool is_not_finite(const json_value& value) {
    return value.kind == kind::object && value.members.size() == 1 &&
           value.members.front().key == "$float";
}

bool holds_not_finite(const json_value& value) {
    return is_not_finite(value) ||
           std::any_of(value.members.begin(), value.members.end(), [](const auto& one) {
               return holds_not_finite(one.held);
           });
}

std::string of_base64url(std::string_view text) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string bytes;
    unsigned word = 0;
    int bits = 0;
    for (const char c : text) {
        word = word << 6 | static_cast<unsigned>(letters.find(c));
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(word >> bits & 0xff);
        }
    }
    return bytes;
}

std::string tenant_in(std::string_view token) {
    const auto begin = token.find('.') + 1;
    const auto claims = of_base64url(token.substr(begin, token.find('.', begin) - begin));
    const auto document = sink::python::document::read(claims);
    return document ? text_of(&document->root(), "tenantId") : std::string();
}

bool is_unknown_mode(std::string_view name) {
    return !name.empty() && name != "MONA" && name != "OIDC" && name != "MANUAL_TOKEN";
}

sdk_step to_step(const json_value& step, std::size_t number) {
    sdk_step made;
    made.number = number;
    made.op = text_of(&step, "op");
    made.client = step.find("client") != nullptr ? text_of(&step, "client") : "c";
    made.step = &step;
    made.is_batch = made.op == "send_events_batch" || made.op == "export_batch";
    made.is_sending = made.is_batch || made.op == "send_event" || made.op == "export";
    const auto* const what = given(step.find("args"), made.is_batch ? "events" : "message");
    if (!made.is_sending || what == nullptr) {
        return made;
    }
    const auto take = [&](const json_value& one) {
        const auto* const message = one.find("$message");
        if (message == nullptr || is_beyond_json(*message)) {
            ++made.beyond_json;
        } else {
            made.good_messages.push_back(message);
            const auto* const fields = given(message, "message");
            made.not_objects += fields != nullptr && fields->kind != kind::object ? 1 : 0;
            made.has_not_finite = made.has_not_finite || holds_not_finite(*message);
        }
        if (message != nullptr) {
            made.messages.push_back(message);
        }
    };
    if (!made.is_batch) {
        take(*what);
    } else if (what->kind == kind::list) {
        for (const auto& one : what->members) {
            take(one.held);
        }
    }
    return made;
}

} // namespace

std::string target_of(std::string_view url) {
    const auto host = url.find("//") + 2;
    return std::string(url.substr(std::min(url.find('/', host), url.size())));
}

sdk_script::sdk_script(const json_value& recording) : setup_(*recording.find("setup")) {
    const auto& all = recording.find("steps")->members;
    const auto is_on =
        [&](const json_value* arguments, const char* name, const char* variable_name) {
            const auto* const argument = given(arguments, name);
            const auto text =
                argument != nullptr ? std::string(argument->text) : variable(variable_name);
            return text == "true" || text == "True";
        };
    for (std::size_t i = 0; i < all.size(); ++i) {
        steps_.push_back(to_step(all[i].held, i));
        const auto& step = steps_.back();
        clients_.try_emplace(step.client);
        if (step.op != "new_client") {
            continue;
        }
        const auto* const arguments = step.step->find("args");
        auto& made = clients_[step.client];
        made.arguments = arguments;
        made.is_open = text_of(arguments, "should_use_authentication") == "false" ||
                       text_of(arguments, "auth_mode") == "NO_AUTH" ||
                       variable("AUTH_MODE") == "NO_AUTH" ||
                       variable("MONA_SDK_SHOULD_USE_AUTHENTICATION") == "false" ||
                       variable("MONA_SDK_SHOULD_USE_AUTHENTICATION") == "False";
        const bool has_token = !text_of(arguments, "access_token").empty() ||
                               !variable("MONA_SDK_ACCESS_TOKEN").empty();
        made.logs_in = !made.is_open && !has_token;
        const auto mode = text_of(arguments, "auth_mode");
        made.has_unknown_mode =
            made.logs_in && is_unknown_mode(mode.empty() ? variable("AUTH_MODE") : mode);
        made.raises_authentication = is_on(
            arguments,
            "raise_authentication_exceptions",
            "MONA_SDK_RAISE_AUTHENTICATION_EXCEPTIONS");
        made.raises_export =
            is_on(arguments, "raise_export_exceptions", "MONA_SDK_RAISE_EXPORT_EXCEPTIONS");
        made.drops_nulls = is_on(
            arguments, "filter_none_fields_on_export", "MONA_SDK_FILTER_NONE_FIELDS_ON_EXPORT");
        made.sampling_name = text_of(arguments, "sampling_config_name");
    }
}

std::string sdk_script::variable(std::string_view name) const {
    return text_of(setup_.find("env"), name);
}

const json_value* sdk_script::answer(std::string_view path, std::size_t place) const {
    const auto* const all = given(setup_.find("responses"), path);
    return all != nullptr && !all->members.empty()
               ? &all->members[std::min(place, all->members.size() - 1)].held
               : nullptr;
}

std::string sdk_script::authorization(const sdk_step& step, std::size_t place) const {
    const auto& who = client(step);
    if (who.is_open) {
        return {};
    }
    auto token = text_of(who.arguments, "access_token");
    if (token.empty() && !who.logs_in) {
        token = variable("MONA_SDK_ACCESS_TOKEN");
    }
    if (who.logs_in) {
        const auto* const given_answer =
            answer(target_of(text_of(who.arguments, "auth_api_token_url")), place);
        const auto* const json = given_answer != nullptr ? given_answer->find("json") : nullptr;
        token = text_of(json, "accessToken");
        token = token.empty() ? text_of(json, "access_token") : token;
    }
    return "Bearer " + token;
}

std::string sdk_script::user_id(const sdk_step& step) const {
    const auto& who = client(step);
    const auto named = text_of(who.arguments, "user_id");
    if (!named.empty()) {
        return named;
    }
    const auto by_variable = variable("MONA_SDK_USER_ID");
    return by_variable.empty() ? tenant_in(authorization(step)) : by_variable;
}

std::string sdk_script::export_url(const sdk_step& step) const {
    const auto& who = client(step);
    if (const auto whole = text_of(who.arguments, "override_rest_api_full_url"); !whole.empty()) {
        return whole;
    }
    const auto newer = variable("MONA_SDK_USE_SEND_EVENT_ENDPOINT");
    const bool is_newer = newer == "true" || newer == "True";
    const auto host = text_of(who.arguments, "override_rest_api_host");
    return fmt::format(
        "{}://{}/{}",
        text_of(who.arguments, "should_use_ssl") == "false" ? "http" : "https",
        host.empty() ? fmt::format("incoming{}.monalabs.io", user_id(step)) : host,
        who.is_open ? (is_newer ? "monaSendEvent" : "monaExport")
                    : (is_newer ? "sendEvent" : "export"));
}

// What is left of one message's fields, as JSON.
std::string sdk_script::fields(const sdk_step& step, const json_value& message) const {
    const auto* const all = message.find("message");
    if (all == nullptr || all->kind != kind::object) {
        return all != nullptr ? canonical(*all, {}) : "null";
    }
    std::string text = "{";
    for (const auto& [name, value] : all->members) {
        const bool is_null = value.kind == kind::none && client(step).drops_nulls;
        if (is_null || is_not_finite(value)) {
            continue;
        }
        text += text.size() == 1 ? "" : ",";
        encode::put_json_text(text, name);
        text += ':' + canonical(value, {});
    }
    return text + "}";
}

std::string sdk_script::wire_message(const sdk_step& step, const json_value& message) const {
    std::string text = "{";
    const auto add = [&](std::string_view name, const std::string& value) {
        text += fmt::format("{}\"{}\":{}", text.size() == 1 ? "" : ",", name, value);
    };
    const auto add_given = [&](std::string_view name, std::string_view member) {
        if (const auto* const value = given(&message, member)) {
            add(name, canonical(*value, {}));
        }
    };
    add_given("action", "action"); // the order is that of canonical_message()
    add_given("arcClass", "contextClass");
    add_given("contextId", "contextId");
    add_given("exportTimestamp", "exportTimestamp");
    add("message", fields(step, message));
    add_given("sampleConfigName", "sampleConfigName");
    add_given("sendTimestamp", "sendTimestamp");
    return text + "}";
}

bool sdk_script::says_something(const sdk_step& step, const json_value& message) const {
    return fields(step, message) != "{}";
}

sdk_request
sdk_script::request(const sdk_step& step, const std::vector<std::string>& messages) const {
    std::string body = "{";
    if (const auto* const action = given(step.step->find("args"), "default_action")) {
        body += fmt::format("\"defaultAction\":{},", canonical(*action, {}));
    }
    body += fmt::format("\"messages\":[{}]", fmt::join(messages, ","));
    if (const auto& name = client(step).sampling_name; !name.empty()) {
        body += fmt::format(",\"sampleConfigName\":\"{}\"", name);
    }
    body += ",\"userId\":";
    encode::put_json_text(body, user_id(step));
    return {
        .method = "POST",
        .target = target_of(export_url(step)),
        .authorization = authorization(step),
        .content_type = "application/json",
        .content_encoding = {},
        .body = body + "}"};
}

bool sdk_script::is_sampled(const sdk_step& step, const json_value& message) const {
    const auto* const arguments = client(step).arguments;
    const auto* rate = given(
        given(arguments, "context_class_to_sampling_rate"), text_of(&message, "contextClass"));
    rate = rate != nullptr ? rate : given(arguments, "default_sampling_rate");
    const auto id = text_of(&message, "contextId");
    std::array<unsigned char, SHA224_DIGEST_LENGTH> digest{};
    SHA224(reinterpret_cast<const unsigned char*>(id.data()), id.size(), digest.data());
    unsigned remainder = 0;
    for (const auto byte : digest) {
        remainder = (remainder * 256 + byte) % 10'000'000;
    }
    return rate == nullptr || remainder / 1e7 <= sink::python::to_double(*rate);
}

} // namespace monarc::golden
