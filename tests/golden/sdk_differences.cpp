#include "golden/sdk_differences.hpp"

#include "golden/observation.hpp"
#include "golden/sdk_expectation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

namespace monarc::golden {
namespace {

using sink::python::kind;

enum class instead {
    skip,                 // a key that is no text, services
    services_elsewhere,   // an option that did nothing does what its name says
    unauthenticated,      // a client that has no token yet, and tries again later
    authentication_error, // an error of its own, in the place of one of JSON
    life_unknown,         // a token is used until it is refused
    error_code,           // told as such; later calls wait for the next attempt to log in
    fresh_token,          // a 401 is answered with a new token and one more request
    not_followed,         // a redirect is an error
    left_out,             // a number that is not finite
    refused,              // what is no object
    hashed,               // any text
    not_offered,          // named sampling: the name is only told to the server
};
struct difference {
    std::string_view scenario; // a star at the end: all that begin so
    golden::instead instead;
};
constexpr std::array differences{
    difference{"auth-app-host-ignored", instead::services_elsewhere},
    difference{"auth-fail-no-raise", instead::unauthenticated},
    difference{"auth-retry-exhausted", instead::authentication_error},
    difference{"auth-unreachable", instead::authentication_error},
    difference{"auth-no-expiry", instead::life_unknown},
    difference{"auth-fail-no-raise-user", instead::error_code},
    difference{"auth-refresh-both-fail", instead::error_code},
    difference{"resp-401", instead::fresh_token},
    difference{"resp-redirect-302", instead::not_followed},
    difference{"resp-redirect-307", instead::not_followed},
    difference{"exp-nan", instead::left_out},
    difference{"bad-list-message*", instead::refused},
    difference{"bad-string-message", instead::refused},
    difference{"samp-non-ascii", instead::hashed},
    difference{"name-int-key", instead::skip},
    difference{"samp-named", instead::not_offered},
    difference{"svc-*", instead::skip}, // section 13: they come later
};

const difference* difference_of(std::string_view name) {
    const auto* const found =
        std::find_if(differences.begin(), differences.end(), [&](const auto& one) {
            return one.scenario.ends_with('*')
                       ? name.starts_with(one.scenario.substr(0, one.scenario.size() - 1))
                       : name == one.scenario;
        });
    return found != differences.end() ? found : nullptr;
}

// --- the rows of section 14, each on one step; they return what is wrong with the recording

std::vector<std::string>
wire_messages(const sdk_expectation& to, const sdk_step& step, auto is_wanted) {
    std::vector<std::string> all;
    for (const auto* const one : step.good_messages) {
        if (is_wanted(*one)) {
            all.push_back(to.script().wire_message(step, *one));
        }
    }
    return all;
}

std::vector<std::string> all_messages(const sdk_expectation& to, const sdk_step& step) {
    return wire_messages(to, step, [](const json_value&) { return true; });
}

// What the original broke at: these messages are sent, whatever else the call had is left out.
std::string expect_sent(
    sdk_expectation& to,
    const sdk_step& step,
    std::string_view recorded,
    const std::vector<std::string>& messages) {
    auto wrong = to.replace_result(step, recorded, to.sent(step, messages.size()));
    if (!wrong.empty()) {
        return wrong;
    }
    to.insert_log(step, {20, messages.empty() ? "none_sampled" : "all_sent"});
    if (!messages.empty()) {
        to.insert_request(step, to.script().request(step, messages));
    }
    return {};
}

// A call of a client that could not log in: told as such.
std::string expect_no_token(sdk_expectation& to, const sdk_step& step) {
    to.insert_log(step, {40, "not_authenticated"});
    return to.replace_result(step, "raises \"KeyError\"", to.not_authenticated(step));
}

std::string expect_unauthenticated(sdk_expectation& to, const sdk_step& step) {
    if (step.op == "new_client") {
        return to.replace_result(step, "raises \"DecodeError\"", "return \"ok\"");
    }
    return step.is_sending ? expect_no_token(to, step) : std::string();
}

std::string expect_authentication_error(sdk_expectation& to, const sdk_step& step) {
    const bool raises = to.script().client(step).raises_authentication;
    if (step.op == "new_client") {
        return to.replace_result(
            step,
            "raises \"JSONDecodeError\"",
            raises ? "raises \"MonaAuthenticationException\"" : "return \"ok\"");
    }
    return step.is_sending && !raises ? expect_no_token(to, step) : std::string();
}

// The calls of a client that the original did not make.
std::string expect_calls(sdk_expectation& to, const sdk_step& step) {
    if (step.op == "urls") {
        return to.replace_result(step, "raises \"KeyError\"", to.urls(step));
    }
    return step.is_sending ? expect_sent(to, step, "raises \"KeyError\"", all_messages(to, step))
                           : std::string();
}

std::string expect_life_unknown(sdk_expectation& to, const sdk_step& step) {
    if (step.op != "new_client") {
        return expect_calls(to, step);
    }
    const auto line = [](const char* code) {
        return said_line{.level = 20, .code = code, .field = "mona-logger"};
    };
    auto wrong = to.replace_token_log({line("auth_response"), line("token_new")});
    return wrong.empty() ? to.replace_pythons_error(step, "return \"ok\"") : wrong;
}

std::string expect_name_only(sdk_expectation& to, const sdk_step& step) {
    if (step.op != "new_client") {
        return expect_calls(to, step);
    }
    const sdk_request asked{
        .method = "POST",
        .target = "/get_sampling_factors",
        .authorization = to.script().authorization(step),
        .content_type = "application/json",
        .content_encoding = {},
        .body = fmt::format(R"({{"config_name":"{}"}})", to.script().client(step).sampling_name)};
    auto wrong = to.remove_request(step, asked);
    return wrong.empty() ? to.replace_result(step, "raises \"KeyError\"", "return \"ok\"") : wrong;
}

std::string expect_fresh_token(sdk_expectation& to, const sdk_step& step) {
    return step.is_sending ? to.repeat_with_fresh_token(step) : std::string();
}

std::string expect_not_followed(sdk_expectation& to, const sdk_step& step) {
    if (!step.is_sending) {
        return {};
    }
    for (const auto& wrong :
         {to.remove_followed(step),
          to.replace_log(step, {20, "all_sent"}, {40, "some_failed"}),
          to.replace_result(step, to.all_sent(step), to.all_failed(step))}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

std::string expect_left_out(sdk_expectation& to, const sdk_step& step) {
    if (!step.is_sending || !step.has_not_finite) {
        return {};
    }
    const auto says_something = [&](const json_value& one) {
        return to.script().says_something(step, one);
    };
    return expect_sent(
        to, step, "raises \"InvalidJSONError\"", wire_messages(to, step, says_something));
}

std::string expect_refused(sdk_expectation& to, const sdk_step& step) {
    if (!step.is_sending || step.not_objects == 0) {
        return {};
    }
    if (to.script().client(step).drops_nulls) { // the original breaks before it sends
        return to.replace_result(step, "raises \"AttributeError\"", to.refused(step));
    }
    const auto is_object = [](const json_value& one) {
        return one.find("message")->kind == kind::object;
    };
    const auto objects = wire_messages(to, step, is_object);
    for (const auto& wrong :
         {to.replace_result(step, to.all_sent(step), to.refused(step)),
          to.remove_last_log(step, {20, "all_sent"}),
          to.remove_request(step, to.script().request(step, all_messages(to, step)))}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    if (!objects.empty()) {
        to.insert_request(step, to.script().request(step, objects));
    }
    return {};
}

std::string expect_hashed(sdk_expectation& to, const sdk_step& step) {
    const auto is_sampled = [&](const json_value& one) {
        return to.script().is_sampled(step, one);
    };
    return step.is_sending
               ? expect_sent(
                     to, step, "raises \"UnicodeEncodeError\"", wire_messages(to, step, is_sampled))
               : std::string();
}

// The override of the services' host did nothing: the host of exports was used for them, too.
std::string expect_services_elsewhere(sdk_expectation& to, const sdk_step& step) {
    if (step.op != "urls") {
        return {};
    }
    const auto recorded = to.urls(step);
    const auto* const host = to.script().client(step).arguments->find("override_app_server_host");
    if (host == nullptr) {
        return {};
    }
    constexpr std::string_view before = "return {\"app\":\"";
    const auto begin = recorded.find("//", before.size()) + 2;
    const auto end = recorded.find('"', begin);
    return to.replace_result(
        step, recorded, recorded.substr(0, begin) + std::string(host->text) + recorded.substr(end));
}

// "An unknown name breaks" (section 2): that is all that it says.
std::string expect_refused_mode(sdk_expectation& to, const sdk_step& step) {
    const std::string refused = "raises \"MonaInitializationException\"";
    const bool is_refused = step.op == "new_client" && to.script().client(step).has_unknown_mode;
    return is_refused && !to.check_result(step, refused).empty()
               ? to.replace_pythons_error(step, refused)
               : std::string();
}

// Without a scenario: of a call with a bad message only that message is refused; and what is
// refused without a report is taken apart (section 7).
std::string expect_by_rule(sdk_expectation& to, const sdk_step& step) {
    const auto good = all_messages(to, step);
    if (step.beyond_json == 0) {
        return to.take_apart(step, good);
    }
    auto wrong = to.check_result(step, to.refused(step));
    if (wrong.empty() && !good.empty()) {
        to.insert_request(step, to.script().request(step, good));
    }
    return wrong;
}

// No token was to be had. Ours waits before it tries again, and tells it each time.
std::string expect_error_code(sdk_expectation& to, const sdk_observation& ours) {
    std::size_t failed_calls = 0;
    for (const auto& step : to.script().steps()) {
        const auto number = std::to_string(step.number);
        const bool has_failed =
            std::any_of(ours.results.begin(), ours.results.end(), [&](const result_line& one) {
                return one.step == number && one.said == to.not_authenticated(step);
            });
        if (step.is_sending && has_failed) {
            ++failed_calls;
            if (auto wrong = to.replace_error_object(step, to.not_authenticated(step));
                !wrong.empty()) {
                return wrong;
            }
        }
    }
    for (const auto& wrong :
         {to.check_log_of_failed_login(failed_calls),
          to.replace_token_log(ours.log),
          to.remove_further_logins()}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

std::string expect(instead how, sdk_expectation& to, const sdk_step& step) {
    switch (how) {
    case instead::skip: break;
    case instead::services_elsewhere: return expect_services_elsewhere(to, step);
    case instead::unauthenticated: return expect_unauthenticated(to, step);
    case instead::authentication_error: return expect_authentication_error(to, step);
    case instead::life_unknown: return expect_life_unknown(to, step);
    case instead::error_code: break; // of the whole, behind all steps
    case instead::fresh_token: return expect_fresh_token(to, step);
    case instead::not_followed: return expect_not_followed(to, step);
    case instead::left_out: return expect_left_out(to, step);
    case instead::refused: return expect_refused(to, step);
    case instead::hashed: return expect_hashed(to, step);
    case instead::not_offered: return expect_name_only(to, step);
    }
    return {};
}

// The row "margin": its hours may have a fraction.
bool has_margin_with_fraction(const json_value& recording) {
    const auto* const env = recording.find("setup")->find("env");
    const auto* const margin =
        env != nullptr ? env->find("MONA_SDK_REFRESH_TOKEN_SAFETY_MARGIN") : nullptr;
    double hours = 0;
    return margin != nullptr && margin->text.find('.') != margin->text.npos &&
           std::from_chars(margin->text.data(), margin->text.data() + margin->text.size(), hours)
                   .ptr == margin->text.data() + margin->text.size();
}

} // namespace

bool is_skipped_sdk(std::string_view name) {
    const auto* const found = difference_of(name);
    return found != nullptr && found->instead == instead::skip;
}

std::string sdk_table_of_differences() {
    std::string text;
    for (const auto& one : differences) {
        text += fmt::format("{}\n", one.scenario);
    }
    return text;
}

std::string replace_sdk_expectation(
    std::string_view name,
    const json_value& recording,
    const sdk_observation& ours,
    sdk_observation& expected) {
    if (has_margin_with_fraction(recording)) {
        if (expected.load_error != error_of_loading) {
            return "recording: it loads with a fraction of an hour";
        }
        expected.load_error.clear();
    }
    if (!expected.load_error.empty()) {
        return {};
    }
    sdk_expectation to(recording, ours, expected);
    if (auto wrong = to.check_order(); !wrong.empty()) {
        return wrong;
    }
    const auto* const row = difference_of(name);
    for (const auto& step : to.script().steps()) {
        if (auto wrong = to.remove_service(step); !wrong.empty()) {
            return wrong;
        }
        auto wrong = row != nullptr    ? expect(row->instead, to, step)
                     : step.is_sending ? expect_by_rule(to, step)
                                       : expect_refused_mode(to, step);
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return row != nullptr && row->instead == instead::error_code ? expect_error_code(to, ours)
                                                                 : std::string();
}

} // namespace monarc::golden
