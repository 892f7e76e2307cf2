// What a service that used mona_sdk does now; MONA_SDK_API_KEY and so on say where to.

#include <monarc/monarc.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

using namespace monarc::literals;
using namespace std::chrono_literals;

namespace {

struct decision {
    std::string loan_id;
    double score = 0;
    std::chrono::system_clock::time_point when{};
};

std::uint64_t send(const std::vector<decision>& decisions) {
    monarc::exporter exporter({.mona = monarc::options_from_mona_sdk_env()});
    for (const auto& d : decisions)
        exporter.push("LOAN"_class(d.loan_id).at(d.when), "score"_key = d.score, "approved"_key = d.score > 0.5);
    exporter.push_json("LOAN"_class("43"), R"({"age": 51, "tags": ["a", "b"]})");
    exporter.push("LOAN"_class("42").as(monarc::action::add), "reviewers"_key = "second");
    const auto result = exporter.flush(30s);

    if (!result.is_clean())
        std::fprintf(stderr, "%s\n", exporter.stats().destinations.front().last_error.c_str());
    return result.delivered;
}

// The calls of mona_sdk send what they are given, message by message and under the same names.
monarc::mona_rest_options options_of_mona_sdk() {
    auto options = monarc::options_from_mona_sdk_env();
    options.merge = monarc::merge_mode::off;
    options.reserved_keys = monarc::reserved_key_mode::rename;
    return options;
}

} // namespace

int main() try {
    const auto delivered = send({{"42", 0.71, std::chrono::sys_days(2024y / 5 / 2)}});
    monarc::exporter exporter({.mona = options_of_mona_sdk()});
    exporter.push("LOAN"_class("44"), monarc::record().add(monarc::key("MONA_note"), "renamed"));
    std::printf("%d records delivered\n", static_cast<int>(delivered + exporter.flush(30s).delivered));
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
}
