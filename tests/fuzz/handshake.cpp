// The handshake of the forward protocol, in two pieces, as the client and as the server read it.

#include "auth/shared_key.hpp"
#include "fuzz/fuzz_target.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>

namespace monarc::fuzz {
namespace {

const secret key("s3cr3t-key");
constexpr std::string_view
    nonce("\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);

// Nobody finds these by chance: they stand in the files that we begin with (forward.md section 14).
constexpr std::string_view client_proof = "36a5b70cb7fdafc205cef07ef329d9a8";
constexpr std::string_view server_proof = "3ac24a90096985ef70a2e42c06e22489";

bool has(std::string_view input, std::string_view proof) {
    return input.find(proof) != input.npos;
}

void be_client(std::string_view input, std::size_t cut) {
    using step = auth::shared_key_client::step;
    auth::shared_key_client hands(key, "client.example", "0123456789abcdef0123456789abcdef");
    auto now = hands.take(input.substr(0, cut));
    if (now == step::wants_output) {
        now = hands.take({});
    }
    if (now == step::wants_input) {
        now = hands.take(input.substr(cut));
    }
    if ((now == step::done && !has(input, server_proof)) || has(hands.what(), key.reveal()) ||
        (now == step::failed && hands.what().empty())) {
        std::abort();
    }
}

void be_server(std::string_view input) {
    const auth::shared_key_server hands(key, "server.example", std::string(nonce), true);
    auth::ping said;
    std::size_t used = 0;
    if (auth::read(input, said, used) != auth::reading::whole) {
        return;
    }
    if (used > input.size() || (hands.judge(said).is_welcome && !has(input, client_proof))) {
        std::abort();
    }
}

} // namespace

void read(std::string_view input) {
    be_client(input, input.size());
    be_client(input, input.size() / 2);
    be_server(input);
}

} // namespace monarc::fuzz
