#include "auth/refresh_log.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace monarc;
using namespace monarc::auth;
using namespace std::chrono_literals;

namespace {

struct scene {
    std::vector<std::string> said;
    refresh_log log{
        [this](log_level level, std::string_view text) {
            said.push_back(
                (level == log_level::warning ? "warning " : "info ") + std::string(text));
        },
        "Keystone"};
    const refresh_log::time_point begin = refresh_log::time_point() + 1h;
};

} // namespace

TEST_SUITE("auth/refresh_log") {
TEST_CASE("D-1.4 logins that fail while a token is good: at the start, once a minute, at the end") {
    scene s;
    for (int second = 0; second <= 120; second += 20) {
        s.log.failed("503", true, s.begin + std::chrono::seconds(second));
    }
    s.log.issued();
    s.log.issued();

    CHECK(
        s.said == std::vector<std::string>{
                      "warning 503; the present token goes on being used",
                      "warning 503; the present token goes on being used; 3 more since the last "
                      "line",
                      "warning 503; the present token goes on being used; 3 more since the last "
                      "line",
                      "info Keystone: a new token after 7 failed logins"});
}

TEST_CASE("without a token whoever wants to send says it; all logins that failed are counted") {
    scene s;
    s.log.failed("503", false, s.begin);
    s.log.issued();
    CHECK(s.said.empty());

    s.log.failed("503", true, s.begin + 1s);
    s.log.failed("503", false, s.begin + 120s);
    s.log.issued();
    CHECK(
        s.said == std::vector<std::string>{
                      "warning 503; the present token goes on being used",
                      "info Keystone: a new token after 2 failed logins"});
}

TEST_CASE("D-1.4 a failure that has ended begins with a line of its own when it comes again") {
    scene s;
    s.log.failed("503", true, s.begin);
    s.log.issued();
    s.log.failed("504", true, s.begin + 1s);

    REQUIRE(s.said.size() == 3);
    CHECK(s.said[2] == "warning 504; the present token goes on being used");
}
}
