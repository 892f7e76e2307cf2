#include "send/summary.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace monarc::send;

namespace {

summary sent(std::uint64_t delivered) {
    summary s{.file = "f", .last_line = 10, .confirmed = 10, .records = delivered};
    auto& d = s.stats.destinations.emplace_back();
    d.name = "mona_forward";
    d.accepted = d.delivered = delivered;
    return s;
}

bool says(const summary& s, std::string_view what) {
    return to_text(s).find(what) != std::string::npos;
}

} // namespace

TEST_SUITE("send/summary") {
TEST_CASE("the exit code says the worst that happened") {
    auto s = sent(10);
    CHECK(exit_code(s) == 0);

    s.bad_lines = 1;
    CHECK(exit_code(s) == 3);
    s.how = ending::too_many_bad; // what stands behind it was not sent
    CHECK(exit_code(s) == 1);

    s.how = ending::complete;
    s.stats.destinations[0].dropped[monarc::reason::expired] = 1;
    CHECK(exit_code(s) == 1);
    s.stats.destinations[0].dropped = {};
    s.stats.destinations[0].dead[monarc::reason::attempts] = 1;
    CHECK(exit_code(s) == 1);
    s.stats.destinations[0].dead = {};
    s.stats.destinations[0].pending = 1;
    CHECK(exit_code(s) == 1);

    s = sent(10);
    s.how = ending::gave_up;
    CHECK(exit_code(s) == 1);
    s.how = ending::failed;
    CHECK(exit_code(s) == 1);
    s.how = ending::interrupted;
    s.signal = 2;
    CHECK(exit_code(s) == 130);
    s.signal = 15;
    CHECK(exit_code(s) == 143);
}

TEST_CASE("filtered and unacknowledged records are no loss") {
    auto s = sent(10);
    s.stats.destinations[0].filtered[monarc::reason::empty] = 4;
    s.stats.destinations[0].delivered_unacked = 4;
    CHECK(exit_code(s) == 0);
}

TEST_CASE("the ledger names reasons that are not zero") {
    auto s = sent(7);
    s.stats.destinations[0].accepted = 10;
    s.stats.destinations[0].dropped[monarc::reason::shutdown] = 3;
    CHECK(says(
        s,
        "mona_forward: accepted 10 = delivered 7 + delivered_unacked 0 + dead 0 + dropped 3 "
        "(shutdown 3) + filtered 0 + pending 0\n"));
}

TEST_CASE("who stopped early is told how to go on") {
    auto s = sent(10);
    CHECK_FALSE(says(s, "--skip-lines"));

    s.how = ending::interrupted;
    CHECK(says(
        s,
        "stopped behind line 10, and all up to there is settled; go on with "
        "--skip-lines 10\n"));
    s.resume = " --id-prefix x-";
    CHECK(says(s, "--skip-lines 10 --id-prefix x-\n"));

    s.confirmed = 6;
    s.stats.destinations[0].dropped[monarc::reason::shutdown] = 3;
    CHECK(says(s, "of lines 7 to 10 not all was delivered; send them again with --skip-lines 6 "));
}

TEST_CASE("what a receiver refused is not to be sent again") {
    auto s = sent(10);
    s.stats.destinations[0].dead[monarc::reason::rejected] = 3;
    CHECK(says(s, "3 records were not delivered; the ledger says why\n"));
    CHECK_FALSE(says(s, "--skip-lines"));
}

TEST_CASE("what was changed on the way is told") {
    auto s = sent(10);
    s.stats.stripped_fields = 12;
    s.repaired = 3;
    CHECK(says(s, "12 fields whose names begin with MONA_"));
    CHECK(says(s, "3 characters of dimensions"));
    CHECK_FALSE(says(s, "millisecond"));
}
}
