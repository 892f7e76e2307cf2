#include "auth/shared_key.hpp"
#include "support/msgpack_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::auth;
using step = shared_key_client::step;

namespace {

const secret key("s3cr3t-key");
constexpr std::string_view salt = "0123456789abcdef0123456789abcdef";
constexpr std::string_view client_digest = "36a5b70cb7fdafc205cef07ef329d9a8aec9bdf823f745495641254"
                                           "efc1ff43249b840c24e0c8f91ccd6fdb360616043"
                                           "1711ac4b5801187e5e96bdafd7e0b36f";
constexpr std::string_view server_digest = "3ac24a90096985ef70a2e42c06e2248922f252f749a4ca09805deb6"
                                           "3ec75c9275c49a285698ed2c069b0795e16c5d87f"
                                           "8d5adb43f8924d194e3e160653959d8d";

std::string bytes(std::string_view hex) {
    return ::support::from_hex(hex);
}

// The worked example of forward.md section 14.
std::string hello_bytes() {
    return bytes(
        "92a448454c4f83a56e6f6e6365c410000102030405060708090a0b0c0d0e0fa461757468c410101112"
        "131415161718191a1b1c1d1e1fa96b656570616c697665c3");
}
std::string ping_bytes() {
    return bytes("96a450494e47ae636c69656e742e6578616d706c65d920") + std::string(salt) +
           bytes("d980") + std::string(client_digest) + bytes("a0a0");
}
std::string pong_bytes() {
    return bytes("95a4504f4e47c3a0ae7365727665722e6578616d706c65d980") + std::string(server_digest);
}

shared_key_client client(const secret& with = key) {
    return shared_key_client(with, "client.example", std::string(salt));
}

// A client that has said PING.
shared_key_client client_behind_ping() {
    auto hands = client();
    CHECK(hands.take(hello_bytes()) == step::wants_output);
    return hands;
}

std::string why_not(std::string_view pong) {
    auto hands = client_behind_ping();
    CHECK(hands.take(pong) == step::failed);
    CHECK(hands.what().find(key.reveal()) == std::string::npos);
    return hands.what();
}

} // namespace

TEST_SUITE("auth/shared_key") {
TEST_CASE("the published example comes out byte for byte, in any pieces") {
    for (const std::size_t piece : {1, 7, 1000}) {
        CAPTURE(piece);
        auto hands = client();
        auto now = step::wants_input;
        const auto said = hello_bytes();
        for (std::size_t at = 0; at < said.size(); at += piece) {
            CHECK(now == step::wants_input);
            now = hands.take(std::string_view(said).substr(at, piece));
        }
        CHECK(now == step::wants_output);
        CHECK(hands.output() == ping_bytes());
        now = hands.take({});
        const auto answer = pong_bytes() + "behind";
        for (std::size_t at = 0; at < answer.size() && now == step::wants_input; at += piece) {
            now = hands.take(std::string_view(answer).substr(at, piece));
        }
        CHECK(now == step::done);
        CHECK(hands.keeps_alive());
        CHECK(std::string_view("behind").starts_with(hands.rest()));
    }
}

TEST_CASE("HELO as Fluent Bit says it: texts that are no UTF-8, and nothing about keeping alive") {
    auto hands = client();
    const auto said =
        bytes("92a448454c4f82a56e6f6e6365b0000102030405060708090a0b0c0d0e0fa461757468b0"
              "ff1112131415161718191a1b1c1d1e1f");

    CHECK(hands.take(said) == step::wants_output);
    CHECK(hands.output() == ping_bytes());
    CHECK(hands.keeps_alive());
}

TEST_CASE("every option of HELO may be missing, or be one that nobody knows") {
    for (const auto* const said : {"91a448454c4f", "92a448454c4f80", "92a448454c4f8201a0a178c0"}) {
        auto hands = client();
        CHECK(hands.take(bytes(said)) == step::wants_output);
        CHECK(hands.keeps_alive());
    }
    auto hands = client();
    CHECK(hands.take(bytes("92a448454c4f81a96b656570616c697665c2")) == step::wants_output);
    CHECK_FALSE(hands.keeps_alive());
}

TEST_CASE("what is no HELO is none, however it goes on") {
    for (const std::string& said :
         {bytes("c1"),
          bytes("81a361636ba0"),
          bytes("90"),
          bytes("92a450494e4780"),
          bytes("92a448454c4f01"),
          std::string("SSH-2.0-OpenSSH_9.2\r\n"),
          std::string("HTTP/1.1 400 Bad Request\r\n"),
          std::string(20, '\x91'),
          bytes("db7fffffff") + std::string(70'000, 'x')}) {
        auto hands = client();
        CHECK(hands.take(said) == step::failed);
        CHECK(hands.what() == "it sends something else than HELO first");
    }
    auto hands = client();
    CHECK(hands.take(bytes("db7fffffff") + "x") == step::wants_input); // nothing is reserved for it
}

TEST_CASE("D-5.6 a refusal and a server that does not know the key are told apart") {
    CHECK(
        why_not(bytes("95a4504f4e47c2b37368617265645f6b6579206d69736d61746368a0a0")) ==
        "it refuses us: shared_key mismatch");
    auto other = pong_bytes();
    other.back() = other.back() == '0' ? '1' : '0';
    CHECK(why_not(other) == "it does not know the key itself");
    CHECK(why_not(pong_bytes().substr(0, 23) + bytes("a0")) == "it does not know the key itself");
    CHECK(why_not(bytes("81a361636ba0")) == "it answers with something else than PONG");
    CHECK(why_not(bytes("92a4504f4e47c3")) == "it answers with something else than PONG");
}

TEST_CASE("a peer's words are shown without what a terminal obeys, and never with the key") {
    auto said = bytes("95a4504f4e47c2aa");
    CHECK(why_not(said + "a\x1b[2Jb\n\x07z\x7f" + bytes("a0a0")) == "it refuses us: a?[2Jb??z?");
    CHECK(
        why_not(said + std::string(key.reveal()) + bytes("a0a0")) ==
        "it refuses us: in words that repeat the key and are not shown");
}

TEST_CASE("a server with our own name is ourselves") {
    pong said;
    said.is_welcome = true;
    said.server_host = "client.example";
    CHECK(why_not(auth::encode(said)) == "it has our own name");
}

TEST_CASE("the server's side welcomes who knows the key, and proves that it knows it, too") {
    const auto nonce = bytes("000102030405060708090a0b0c0d0e0f");
    const shared_key_server hands(key, "server.example", nonce, true);
    ping said;
    std::size_t used = 0;
    REQUIRE(read(ping_bytes() + "more", said, used) == reading::whole);
    CHECK(used == ping_bytes().size());
    CHECK(said.client_host == "client.example");

    const auto answer = hands.judge(said);

    CHECK(answer.is_welcome);
    CHECK(answer.pong == pong_bytes());
    const shared_key_server other(secret("other"), "server.example", nonce, true);
    CHECK_FALSE(other.judge(said).is_welcome);
    CHECK(other.judge(said).why == "client.example has another shared key");
    pong refusal;
    REQUIRE(read(other.judge(said).pong, refusal, used) == reading::whole);
    CHECK_FALSE(refusal.is_welcome);
    CHECK(refusal.reason == "shared_key mismatch");
    CHECK(refusal.digest == "");
}

TEST_CASE("a PING has exactly six elements") {
    ping said;
    std::size_t used = 0;
    CHECK(read(bytes("95a450494e47a0a0a0a0"), said, used) == reading::wrong);
    CHECK(read(bytes("96a450494e47a0a0a0a0a0"), said, used) == reading::whole);
    CHECK(read(bytes("97a450494e47a0a0a0a0a0a0"), said, used) == reading::wrong);
    CHECK(read(bytes("96a450494e47a0a001a0a0"), said, used) == reading::wrong);
    CHECK(read(bytes("96a450494e47a0a0"), said, used) == reading::partial);
}
}
