// What a service that used mona-client looks like; the receiver and the user are MONA_HOST,
// MONA_PORT and MONA_USER_ID.

#include <monarc/mona_client.hpp>

#include <string>

using namespace monarc::literals;

namespace {

void exact_traffic() {
    auto options = monarc::mona::options_from_mona_env();
    options.forward.mode = monarc::forward_mode::message;
    options.forward.merge = monarc::merge_mode::off;
    monarc::mona::init_client(options);
}

void decide(const std::string& loan_id) {
    monarc::mona::context_scope scope("LOAN", loan_id);
    monarc::mona::push("age"_key = 33, "tags"_key = monarc::array("a", "b"), "score"_key = 0.71);
    monarc::mona::export_message(R"({"approved": true})", 1600000000);
}

} // namespace

int main() {
    exact_traffic();
    decide("42");
    monarc::mona::close();
    return 0;
}
