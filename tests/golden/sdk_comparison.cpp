#include "golden/sdk_comparison.hpp"

#include "golden/sdk_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace monarc::golden {
namespace {

using sink::python::kind;

const json_value* expected_of(const json_value& recording, std::string_view name) {
    return recording.find("expected")->find(name);
}

std::string header_of(const json_value& request, std::string_view name) {
    const auto* const headers = request.find("headers");
    const auto* const value = headers != nullptr ? headers->find(name) : nullptr;
    return value != nullptr ? std::string(value->text) : std::string();
}

result_line to_result(const json_value& recorded) {
    result_line line;
    for (const auto& [what, value] : recorded.members) {
        if (what == "step") {
            line.step = value.text;
        } else if (what == "op") {
            line.op = value.text;
        } else {
            line.said +=
                fmt::format("{}{} {}", line.said.empty() ? "" : " ", what, canonical_result(value));
        }
    }
    return line;
}

sdk_request to_request(const json_value& recorded) {
    const auto* const body = recorded.find("body");
    return {
        .method = std::string(recorded.find("method")->text),
        .target = std::string(recorded.find("path")->text),
        .authorization = header_of(recorded, "authorization"),
        .content_type = header_of(recorded, "content-type"),
        .content_encoding = header_of(recorded, "content-encoding"),
        .body = body->kind == kind::text ? std::string(body->text) : canonical_body(*body)};
}

// What ours has no word for.
bool is_beside_the_point(const said_line& line) {
    static const std::set<std::string> codes{"failed_messages_dump", "no_refresh_time", "other"};
    return codes.contains(line.code);
}

std::string shown(const result_line& line) {
    return fmt::format("{} {}: {}", line.step, line.op, line.said);
}

template <class Line>
std::string difference(
    std::string_view what, const std::vector<Line>& expected, const std::vector<Line>& seen) {
    const auto show = [](const std::vector<Line>& all, std::size_t i) {
        return i < all.size() ? shown(all[i]) : std::string("nothing more");
    };
    for (std::size_t i = 0; i < std::max(expected.size(), seen.size()); ++i) {
        if (i >= expected.size() || i >= seen.size() || expected[i] != seen[i]) {
            return fmt::format(
                "{} {}: {} where {} is right", what, i, show(seen, i), show(expected, i));
        }
    }
    return {};
}

} // namespace

std::string shown(const sdk_request& request) {
    return fmt::format(
        "{} {} [{}] [{}] [{}] {}",
        request.method,
        request.target,
        abridged(request.authorization),
        request.content_type,
        request.content_encoding,
        abridged(request.body));
}

sdk_observation recorded_sdk(const json_value& recording) {
    sdk_observation made;
    if (const auto* const load_error = expected_of(recording, "load_error")) {
        made.load_error = load_error->text;
    }
    const auto each = [&](std::string_view name, auto take) {
        if (const auto* const all = expected_of(recording, name)) {
            for (const auto& [index, one] : all->members) {
                take(one);
            }
        }
    };
    each("results", [&](const json_value& one) { made.results.push_back(to_result(one)); });
    each("http", [&](const json_value& one) { made.http.push_back(to_request(one)); });
    each("log", [&](const json_value& one) {
        said_line line{
            .level = level_of(one.find("level")->text),
            .code = std::string(one.find("code")->text),
            .field = std::string(one.find("logger")->text)};
        if (!is_beside_the_point(line)) {
            made.log.push_back(std::move(line));
        }
    });
    return made;
}

std::string first_difference(const sdk_observation& expected, const sdk_observation& seen) {
    if (expected.load_error != seen.load_error) {
        return fmt::format(
            "loading: '{}' where '{}' is right", seen.load_error, expected.load_error);
    }
    for (auto& wrong :
         {difference("result", expected.results, seen.results),
          difference("log", expected.log, seen.log),
          difference("request", expected.http, seen.http)}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return {};
}

} // namespace monarc::golden
