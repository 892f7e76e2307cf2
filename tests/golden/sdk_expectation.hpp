#pragma once

// What was recorded, and its changes to what must be seen instead. Each change looks first at
// whether the recording shows what the contract says of the original, and returns what is wrong
// with it; empty if nothing is.

#include "golden/sdk_player.hpp"
#include "golden/sdk_script.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

class sdk_expectation {
public:
    // `ours` tells only where in the course of the script a line or request belongs.
    sdk_expectation(
        const json_value& recording, const sdk_observation& ours, sdk_observation& expected)
        : script_(recording), ours_(ours), expected_(expected) {}

    const sdk_script& script() const noexcept { return script_; }

    // Whether the results follow one another as the steps do.
    std::string check_order() const;

    // --- results

    // `sent` of the messages, all others left out on purpose.
    std::string sent(const sdk_step& step, std::size_t count) const;
    std::string all_sent(const sdk_step& step) const { return sent(step, step.messages.size()); }
    std::string all_failed(const sdk_step& step) const;
    std::string refused(const sdk_step& step) const;
    std::string not_authenticated(const sdk_step& step) const;
    std::string urls(const sdk_step& step) const;

    std::string check_result(const sdk_step& step, std::string_view recorded) const;
    std::string
    replace_result(const sdk_step& step, std::string_view recorded, std::string instead);
    // Whichever of Python's own errors the original raised.
    std::string replace_pythons_error(const sdk_step& step, std::string instead);
    // Its own error object, or the exception in its place.
    std::string replace_error_object(const sdk_step& step, std::string instead);

    // --- the log

    struct coded_line {
        int level;
        std::string_view code;
    };
    void insert_log(const sdk_step& step, const coded_line& what);
    std::string
    replace_log(const sdk_step& step, const coded_line& recorded, const coded_line& instead);
    // Behind all that ours says of the step.
    std::string remove_last_log(const sdk_step& step, const coded_line& recorded);
    // Where the original asked for nothing but tokens and got none: a line for each answer and
    // call.
    std::string check_log_of_failed_login(std::size_t failed_calls) const;
    // All of it, if every line is one of those that tell of tokens; `instead` is of the first step.
    std::string replace_token_log(const std::vector<said_line>& instead);

    // --- requests

    void insert_request(const sdk_step& step, sdk_request what);
    std::string remove_request(const sdk_step& step, const sdk_request& recorded);
    // The request behind the step's own, to where the answer points.
    std::string remove_followed(const sdk_step& step);
    // What the original asks the token service again, beyond what ours does.
    std::string remove_further_logins();
    // Behind the step's own: for a new token, and its own once more.
    std::string repeat_with_fresh_token(const sdk_step& step);

    // Behind the step's own, if it is refused without a report: its parts (delivery.md D-7.2).
    // `messages`: of the step, as they go out.
    std::string take_apart(const sdk_step& step, const std::vector<std::string>& messages);

    // A call of a service, with its result, line and request.
    std::string remove_service(const sdk_step& step);

private:
    result_line* result_of(const sdk_step& step);
    const result_line* result_of(const sdk_step& step) const;
    said_line to_line(const coded_line& what) const;
    std::vector<said_line>::iterator log_of(const sdk_step& step);
    std::vector<sdk_request>::iterator requests_of(const sdk_step& step);

    sdk_script script_;
    const sdk_observation& ours_;
    sdk_observation& expected_;
};

} // namespace monarc::golden
