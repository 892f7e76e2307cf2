#include "golden/sdk_expectation.hpp"

#include "golden/sdk_comparison.hpp"
#include "golden/sdk_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace monarc::golden {
namespace {

// By what a service is called in its URL (mona-rest.md section 13).
std::string_view name_of_service(std::string_view op) {
    static const std::map<std::string_view, std::string_view> names{
        {"get_config", "configs"},
        {"upload_config_per_context_class", "upload_config_for_context_class"},
        {"get_suggested_config", "get_new_config_fields"},
        {"get_suggested_config_from_user_input", "suggest_new_config"},
        {"get_insights", "insights"},
        {"get_ingested_data_for_a_specific_segment", "get_ingested_data"},
        {"get_aggregated_data_of_a_specific_segment", "get_segment"},
        {"get_aggregated_stats_of_a_specific_segmentation", "get_segments_for_dimensions"}};
    const auto found = names.find(op);
    return found != names.end() ? found->second : op;
}

std::string error_object(std::string_view code) {
    return fmt::format(
        R"(return {{"data":null,"error_message":{{"$error":"{}"}},"success":false}})", code);
}

// Of a whole address, or of a path alone.
bool is_target_of(std::string_view target, std::string_view address) {
    return target == address ||
           (address.find("//") != address.npos && target == target_of(address));
}

bool tells_of_tokens(const said_line& line) {
    static const std::set<std::pair<int, std::string>> known{
        {20, "auth_response"},
        {20, "token_new"},
        {20, "token_refreshed"},
        {30, "refresh_fallback"},
        {40, "auth_failed"},
        {40, "refresh_failed"},
        {40, "not_authenticated"}};
    return known.contains({line.level, line.code});
}

} // namespace

// --- results

std::string sdk_expectation::sent(const sdk_step& step, std::size_t count) const {
    return step.is_batch
               ? fmt::format(
                     R"(return {{"failed":0,"failure_reasons":{{}},"sent":{},"total":{}}})",
                     count,
                     count)
               : "return true";
}

std::string sdk_expectation::all_failed(const sdk_step& step) const {
    if (!step.is_batch || script_.client(step).raises_export) {
        return refused(step);
    }
    const auto count = step.messages.size();
    return fmt::format(
        R"(return {{"failed":{},"failure_reasons":{{"$error":"answer_not_understood"}},"sent":0,"total":{}}})",
        count,
        count);
}

std::string sdk_expectation::refused(const sdk_step& step) const {
    return script_.client(step).raises_export ? "raises \"MonaExportException\"" : "return false";
}

std::string sdk_expectation::not_authenticated(const sdk_step& step) const {
    return script_.client(step).raises_authentication ? "raises \"MonaAuthenticationException\""
                                                      : error_object("not_authenticated");
}

std::string sdk_expectation::urls(const sdk_step& step) const {
    const auto* const arguments = script_.client(step).arguments;
    const auto* const host =
        arguments != nullptr ? arguments->find("override_rest_api_host") : nullptr;
    const auto url = script_.export_url(step);
    return fmt::format(
        R"(return {{"app":"{}","export":"{}","user_id":"{}"}})",
        host != nullptr ? url.substr(0, url.find('/', url.find("//") + 2))
                        : fmt::format("https://api{}.monalabs.io", script_.user_id(step)),
        url,
        script_.user_id(step));
}

result_line* sdk_expectation::result_of(const sdk_step& step) {
    const auto number = std::to_string(step.number);
    const auto found = std::find_if(
        expected_.results.begin(), expected_.results.end(), [&](const result_line& one) {
            return one.step == number && one.op == step.op;
        });
    return found != expected_.results.end() ? &*found : nullptr;
}

const result_line* sdk_expectation::result_of(const sdk_step& step) const {
    return const_cast<sdk_expectation*>(this)->result_of(step);
}

std::string sdk_expectation::check_result(const sdk_step& step, std::string_view recorded) const {
    const auto* const line = result_of(step);
    return line != nullptr && line->said == recorded
               ? std::string()
               : fmt::format(
                     "recording: {} {}: {} where the original has {}",
                     step.number,
                     step.op,
                     line != nullptr ? line->said : "nothing",
                     recorded);
}

std::string sdk_expectation::replace_result(
    const sdk_step& step, std::string_view recorded, std::string instead) {
    auto wrong = check_result(step, recorded);
    if (wrong.empty()) {
        result_of(step)->said = std::move(instead);
    }
    return wrong;
}

std::string sdk_expectation::replace_pythons_error(const sdk_step& step, std::string instead) {
    static constexpr std::string_view kinds[] = {
        "AttributeError", "KeyError", "NameError", "TypeError", "UnboundLocalError", "ValueError"};
    auto* const line = result_of(step);
    const auto is_raised = [&](std::string_view kind) {
        return line != nullptr && line->said == fmt::format("raises \"{}\"", kind);
    };
    if (std::none_of(std::begin(kinds), std::end(kinds), is_raised)) {
        return fmt::format("recording: {} {}: Python raises nothing", step.number, step.op);
    }
    line->said = std::move(instead);
    return {};
}

std::string sdk_expectation::replace_error_object(const sdk_step& step, std::string instead) {
    static constexpr std::string_view codes[] = {
        "auth_failed", "not_authenticated", "refresh_failed"};
    auto* const line = result_of(step);
    const bool raises = script_.client(step).raises_authentication;
    const auto is_told = [&](std::string_view code) {
        return line != nullptr && line->said == error_object(code);
    };
    const bool is_raised =
        line != nullptr && line->said == "raises \"MonaAuthenticationException\"";
    if (raises ? !is_raised : std::none_of(std::begin(codes), std::end(codes), is_told)) {
        return fmt::format("recording: {} {}: it does not fail", step.number, step.op);
    }
    line->said = std::move(instead);
    return {};
}

std::string sdk_expectation::check_order() const {
    const auto number_of = [](const result_line& line) {
        std::size_t number = 0;
        std::from_chars(line.step.data(), line.step.data() + line.step.size(), number);
        return number;
    };
    const auto& all = expected_.results;
    const auto wrong = std::adjacent_find(
        all.begin(), all.end(), [&](const result_line& one, const result_line& next) {
            return number_of(one) >= number_of(next);
        });
    return wrong == all.end()
               ? ""
               : fmt::format("recording: results: {} is not behind {}", wrong[1].step, wrong->step);
}

// --- the log

said_line sdk_expectation::to_line(const coded_line& what) const {
    const auto named = script_.variable("MONA_SDK_LOGGER_NAME");
    return {
        .level = what.level,
        .code = std::string(what.code),
        .field = named.empty() ? "mona-logger" : named};
}

std::vector<said_line>::iterator sdk_expectation::log_of(const sdk_step& step) {
    const auto before = std::min(ours_.before_steps[step.number].log, expected_.log.size());
    return expected_.log.begin() + static_cast<std::ptrdiff_t>(before);
}

void sdk_expectation::insert_log(const sdk_step& step, const coded_line& what) {
    expected_.log.insert(log_of(step), to_line(what));
}

std::string sdk_expectation::replace_log(
    const sdk_step& step, const coded_line& recorded, const coded_line& instead) {
    const auto found = std::find(log_of(step), expected_.log.end(), to_line(recorded));
    if (found == expected_.log.end()) {
        return fmt::format("recording: {} {}: no {}", step.number, step.op, recorded.code);
    }
    *found = to_line(instead);
    return {};
}

std::string sdk_expectation::remove_last_log(const sdk_step& step, const coded_line& recorded) {
    const auto& marks = ours_.before_steps;
    const auto behind =
        step.number + 1 < marks.size() ? marks[step.number + 1].log : ours_.log.size();
    if (behind >= expected_.log.size() || expected_.log[behind] != to_line(recorded)) {
        return fmt::format("recording: {} {}: no {}", step.number, step.op, recorded.code);
    }
    expected_.log.erase(expected_.log.begin() + static_cast<std::ptrdiff_t>(behind));
    return {};
}

std::string sdk_expectation::check_log_of_failed_login(std::size_t failed_calls) const {
    const auto is_login = [&](const sdk_request& one) {
        return one.target == expected_.http.front().target;
    };
    if (!std::all_of(expected_.http.begin(), expected_.http.end(), is_login)) {
        return {};
    }
    std::vector<said_line> right(expected_.http.size(), to_line({20, "auth_response"}));
    right.push_back(to_line({40, "auth_failed"}));
    right.insert(right.end(), failed_calls, to_line({40, "not_authenticated"}));
    return expected_.log == right ? "" : "recording: its log does not tell of each failure";
}

std::string sdk_expectation::replace_token_log(const std::vector<said_line>& instead) {
    for (const auto& one : expected_.log) {
        if (!tells_of_tokens(one) || one.field != to_line({}).field) {
            return fmt::format("recording: {} does not tell of a token", shown(one));
        }
    }
    const auto errors = [](const std::vector<said_line>& lines) {
        return std::count_if(
            lines.begin(), lines.end(), [](const said_line& one) { return one.level == 40; });
    };
    if (errors(expected_.log) < errors(instead)) { // ours tries less often
        return "recording: its log does not tell of each failure";
    }
    expected_.log = instead;
    return {};
}

// --- requests

std::vector<sdk_request>::iterator sdk_expectation::requests_of(const sdk_step& step) {
    const auto before = std::min(ours_.before_steps[step.number].http, expected_.http.size());
    return expected_.http.begin() + static_cast<std::ptrdiff_t>(before);
}

void sdk_expectation::insert_request(const sdk_step& step, sdk_request what) {
    expected_.http.insert(requests_of(step), std::move(what));
}

std::string sdk_expectation::remove_request(const sdk_step& step, const sdk_request& recorded) {
    const auto at = requests_of(step);
    if (at == expected_.http.end() || *at != recorded) {
        return fmt::format(
            "recording: {} {}: {} where the original has {}",
            step.number,
            step.op,
            at != expected_.http.end() ? shown(*at) : "no request",
            shown(recorded));
    }
    expected_.http.erase(at);
    return {};
}

std::string sdk_expectation::remove_followed(const sdk_step& step) {
    const auto own = requests_of(step);
    if (expected_.http.end() - own < 2) {
        return fmt::format("recording: {} {}: nothing was followed", step.number, step.op);
    }
    const auto* const answer = script_.answer(own->target.substr(0, own->target.find('?')), 0);
    const auto* const headers = answer != nullptr ? answer->find("headers") : nullptr;
    const auto* const location = headers != nullptr ? headers->find("Location") : nullptr;
    const auto next = own + 1;
    const bool keeps_method = answer != nullptr && answer->find("status")->text == "307";
    const bool is_right = location != nullptr && is_target_of(next->target, location->text) &&
                          next->method == (keeps_method ? "POST" : "GET") &&
                          next->body == (keeps_method ? own->body : std::string()) &&
                          next->content_type == (keeps_method ? own->content_type : "") &&
                          next->authorization == own->authorization &&
                          next->content_encoding.empty();
    if (!is_right) {
        return fmt::format("recording: {} does not follow the answer", shown(*next));
    }
    expected_.http.erase(next);
    return {};
}

std::string sdk_expectation::remove_further_logins() {
    const auto count = ours_.http.size();
    if (expected_.http.size() < count) {
        return "recording: fewer requests than ours makes";
    }
    // A refresh and a login for each further call.
    constexpr std::size_t of_call = 2;
    for (std::size_t i = count; i < expected_.http.size(); ++i) {
        if (count <= of_call || expected_.http[i] != expected_.http[i - of_call]) {
            return "recording: no request for a token: " + shown(expected_.http[i]);
        }
    }
    if ((expected_.http.size() - count) % of_call != 0) {
        return "recording: half of what a token is asked with";
    }
    expected_.http.resize(count);
    return {};
}

std::string sdk_expectation::repeat_with_fresh_token(const sdk_step& step) {
    const auto own = requests_of(step);
    if (own == expected_.http.end() || own == expected_.http.begin()) {
        return fmt::format("recording: {} {}: no request", step.number, step.op);
    }
    const auto* const arguments = script_.client(step).arguments;
    const auto path_of = [&](std::string_view name) {
        const auto* const url = arguments->find(name);
        return url != nullptr ? target_of(url->text) : std::string();
    };
    const auto* const first = script_.answer(path_of("auth_api_token_url"), 0);
    const auto* const refresh = script_.answer(path_of("refresh_token_url"), 0);
    if (first == nullptr || first->find("json") == nullptr || refresh != nullptr) {
        return "recording: a script that the runner does not know";
    }
    // The refresh URL gives no token (what is not listed answers {}), so a login follows.
    sdk_request asked = expected_.http.front();
    asked.target = path_of("refresh_token_url");
    asked.body =
        fmt::format(R"({{"refreshToken":"{}"}})", first->find("json")->find("refreshToken")->text);
    auto again = *own;
    again.authorization = script_.authorization(step, 1);
    const auto login = expected_.http.front();
    expected_.http.insert(own + 1, {asked, login, again});
    const auto at = log_of(step);
    expected_.log.insert(
        at,
        {to_line({20, "auth_response"}),
         to_line({30, "refresh_fallback"}),
         to_line({20, "auth_response"}),
         to_line({20, "token_refreshed"})});
    return check_result(step, all_failed(step));
}

// Sends the parts of a refused request until the faults are alone, as answers are left.
class taken_apart {
public:
    taken_apart(
        const sdk_script& script,
        const sdk_step& step,
        const std::vector<std::string>& messages,
        std::size_t place)
        : script_(script), step_(step), messages_(messages), place_(place) {}

    std::vector<sdk_request> requests;
    std::size_t sent = 0;

    void cut(std::size_t begin, std::size_t end) {
        if (end - begin < 2) {
            return;
        }
        const auto middle = begin + (end - begin) / 2;
        if (!is_taken(begin, middle)) {
            cut(begin, middle);
            if (!is_taken(middle, end)) {
                cut(middle, end);
            }
        } else { // the fault is in the other half
            cut(middle, end);
        }
    }

    static bool is_refusal(const json_value* answer) {
        const auto status = answer != nullptr ? answer->find("status")->text : "200";
        const auto* const json = answer != nullptr ? answer->find("json") : nullptr;
        const bool has_report = json != nullptr && (json->find("failed") != nullptr ||
                                                    json->find("topLevelError") != nullptr);
        return (status == "400" || status == "422") && !has_report;
    }

private:
    bool is_taken(std::size_t begin, std::size_t end) {
        const auto at = [&](std::size_t i) {
            return messages_.begin() + static_cast<std::ptrdiff_t>(i);
        };
        requests.push_back(script_.request(step_, {at(begin), at(end)}));
        const auto target = requests.back().target;
        const bool taken =
            !is_refusal(script_.answer(target.substr(0, target.find('?')), place_++));
        sent += taken ? end - begin : 0;
        return taken;
    }

    const sdk_script& script_;
    const sdk_step& step_;
    const std::vector<std::string>& messages_;
    std::size_t place_;
};

std::string
sdk_expectation::take_apart(const sdk_step& step, const std::vector<std::string>& messages) {
    const auto whole = script_.request(step, messages);
    auto own = requests_of(step);
    own = std::find(own, expected_.http.end(), whole);
    if (messages.size() < 2 || own == expected_.http.end()) {
        return {};
    }
    const auto place = static_cast<std::size_t>(
        std::count_if(expected_.http.begin(), own, [&](const sdk_request& one) {
            return one.target == whole.target;
        }));
    const auto path = whole.target.substr(0, whole.target.find('?'));
    if (!taken_apart::is_refusal(script_.answer(path, place))) {
        return {};
    }
    taken_apart parts(script_, step, messages, place + 1);
    parts.cut(0, messages.size());
    expected_.http.insert(own + 1, parts.requests.begin(), parts.requests.end());
    if (parts.sent == 0 || !step.is_batch) {
        return {};
    }
    const auto failed = messages.size() - parts.sent;
    return replace_result(
        step,
        all_failed(step),
        fmt::format(
            R"(return {{"failed":{},"failure_reasons":{{"$error":"answer_not_understood"}},"sent":{},"total":{}}})",
            failed,
            parts.sent,
            messages.size()));
}

// --- services

std::string sdk_expectation::remove_service(const sdk_step& step) {
    if (!is_service(step.op)) {
        return {};
    }
    const auto wrong = [&](std::string_view what) {
        return fmt::format("recording: {} {}: {}", step.number, step.op, what);
    };
    const auto* const line = result_of(step);
    if (line == nullptr) {
        return wrong("no result");
    }
    const auto result = line->said;
    const auto at = std::find(expected_.results.begin(), expected_.results.end(), *line);
    expected_.results.erase(at);
    if (result == "raises \"KeyError\"") {
        return {}; // there was no client
    }
    const bool was_called = result.find("\"not_authenticated\"") == result.npos;
    const auto code = was_called ? "service_error" : "not_authenticated";
    if (result != error_object(code)) {
        return wrong("an answer without data gives no result");
    }
    const auto told = std::find(log_of(step), expected_.log.end(), to_line({40, code}));
    if (told == expected_.log.end()) {
        return wrong("no line tells of it");
    }
    expected_.log.erase(told);
    const auto path = fmt::format("/{}", name_of_service(step.op));
    const auto request =
        std::find_if(requests_of(step), expected_.http.end(), [&](const sdk_request& one) {
            return one.target.ends_with(path);
        });
    if (was_called != (request != expected_.http.end())) {
        return wrong("its request and its result do not agree");
    }
    if (was_called) {
        if (request->method != "POST" || request->content_type != "application/json" ||
            request->authorization != script_.authorization(step) ||
            (step.step->find("args") == nullptr && request->body != "{}")) {
            return wrong("its request is another one: " + shown(*request));
        }
        expected_.http.erase(request);
    }
    return {};
}

} // namespace monarc::golden
