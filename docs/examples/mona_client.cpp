// What a service that used mona-client does now; MONA_HOST, MONA_PORT and so on say where to.

#include <monarc/mona_client.hpp>

#include <string>

using namespace monarc::literals;

namespace {

void decide(const std::string& loan_id) {
    monarc::mona::context_scope scope("LOAN", loan_id);
    monarc::mona::push("age"_key = 33, "tags"_key = monarc::array("a", "b"), "model"_key = monarc::object("name"_key = "gbm"));
}

// For a receiver that must see mona-client's own bytes.
void start_with_exact_traffic() {
    monarc::mona::init_client({.forward = {.mode = monarc::forward_mode::message, .gzip = false, .ack = false,
                                           .merge = monarc::merge_mode::off, .use_tls = true}});
}

} // namespace

int main(int argc, char**) {
    if (argc > 1) {
        start_with_exact_traffic();
    }
    decide("42");
    monarc::mona::close();
}
