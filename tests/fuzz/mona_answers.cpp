// A body from Mona's REST interface or from a token service, read as each of the things it may be.

#include "auth/mona_login.hpp"
#include "destinations/mona_rest_wire.hpp"
#include "fuzz/fuzz_target.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {

namespace {

void expect(bool is_so) {
    if (!is_so) {
        std::abort();
    }
}

} // namespace

void read(std::string_view input) {
    constexpr std::size_t messages = 5;
    transport::http_answer answer;
    answer.body = std::string(input);
    payload sent;
    sent.entry_records.assign(messages, 1);
    destinations::mona_rest_wire wire({}, std::chrono::seconds(300));

    const auto report = destinations::read_failure_report(input, messages);
    expect(report.failed <= messages);
    std::uint32_t next = 0;
    for (const auto place : report.listed) {
        expect(place >= next && place < messages);
        next = place + 1;
    }
    static_cast<void>(destinations::read_top_level_error(input));
    for (const unsigned status : {200u, 400u, 401u, 500u}) {
        answer.status = status;
        const auto result = wire.judge(answer, sent, 0);
        expect(result.refused.size() <= messages);
        expect(result.what != verdict::partial || result.refused.size() < messages);
        expect((status == 200) == (result.what == verdict::delivered));
        for (const auto mode : {mona_auth_mode::mona, mona_auth_mode::oidc}) {
            const auto got = auth::read_login_answer(answer, mode);
            expect(!got.token || (status == 200 && !got.token->access.is_empty()));
            expect(got.token.has_value() != !got.why.empty());
        }
    }
    static_cast<void>(auth::tenant_of(input));
}

} // namespace monarc::fuzz
