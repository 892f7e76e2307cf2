#include "golden/recorded_setup.hpp"

namespace monarc::golden {
namespace {

using sink::python::kind;

// The arguments of the first init_client that the script comes to; null if there is none.
const json_value* set_up_arguments(const json_value& steps) {
    for (const auto& step : steps.members) {
        const auto* const body = step.held.find("body");
        const auto* const inner = body != nullptr ? set_up_arguments(*body) : nullptr;
        if (text_of(step.held.find("op")) == "init_client") {
            return step.held.find("args");
        }
        if (inner != nullptr) {
            return inner;
        }
    }
    return nullptr;
}

const json_value* member_of_setup(const json_value& recording, std::string_view name) {
    return recording.find("setup")->find(name);
}

} // namespace

const json_value* given(const json_value* from, std::string_view name) {
    const auto* const value = from != nullptr ? from->find(name) : nullptr;
    return value != nullptr && value->kind != kind::none ? value : nullptr;
}

std::string text_of(const json_value* value) {
    return value != nullptr ? std::string(value->text) : std::string();
}

std::string variable(const json_value& recording, std::string_view name) {
    return text_of(given(member_of_setup(recording, "env"), name));
}

bool switch_of(const json_value& recording, std::string_view name, bool otherwise) {
    const auto text = variable(recording, name);
    return text == "true" || text == "True" || (otherwise && text != "false" && text != "False");
}

bool is_up_at_first(const json_value& recording) {
    return text_of(given(member_of_setup(recording, "server"), "initially")) != "down";
}

std::string tls_of_server(const json_value& recording) {
    return text_of(given(member_of_setup(recording, "server"), "tls"));
}

bool use_tls(const json_value& recording) {
    const auto* const arguments = set_up_arguments(*recording.find("steps"));
    if (const auto* const argument = given(arguments, "mona_use_ssl")) {
        return argument->text == "true";
    }
    // Not mentioned: the driver says false; null: not set, which means true.
    const auto* const env = member_of_setup(recording, "env");
    return env != nullptr && env->find("MONA_USE_SSL") != nullptr &&
           switch_of(recording, "MONA_USE_SSL", true);
}

bool is_receiver_here(const json_value& recording) {
    const auto* const arguments = set_up_arguments(*recording.find("steps"));
    const auto* const env = member_of_setup(recording, "env");
    const bool names_port = given(arguments, "mona_port") != nullptr ||
                            (env != nullptr && env->find("MONA_PORT") != nullptr);
    auto host = text_of(given(arguments, "mona_host"));
    host = host.empty() ? variable(recording, "MONA_HOST") : host;
    // The port of the receiver is known to nobody but the driver, which sets it by the variable.
    return !names_port && (host.empty() || host == "127.0.0.1" || host == "localhost");
}

bool can_talk(const json_value& recording) {
    const auto tls = tls_of_server(recording);
    return is_receiver_here(recording) && use_tls(recording) == !tls.empty() &&
           (tls.empty() || tls == "srv");
}

} // namespace monarc::golden
