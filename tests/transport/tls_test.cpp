#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"
#include "transport/connection.hpp"
#include "transport/tls.hpp"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

using namespace monarc;
using namespace monarc::support;
using transport::tls_context;
using transport::tls_errc;
using transport::tls_session;
using progress = tls_session::progress;

namespace {

const certificate_authority& authority() {
    static const certificate_authority made("a CA");
    return made;
}

// The other side, in memory.
class peer {
public:
    explicit peer(const issued_certificate& own, bool asks_for_certificate = false)
        : context_(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free) {
        const auto in = [](const std::string& pem) {
            return std::unique_ptr<BIO, decltype(&::BIO_free)>(
                ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), ::BIO_free);
        };
        X509* const read =
            ::PEM_read_bio_X509(in(own.certificate).get(), nullptr, nullptr, nullptr);
        EVP_PKEY* const key =
            ::PEM_read_bio_PrivateKey(in(own.key).get(), nullptr, nullptr, nullptr);
        ::SSL_CTX_use_certificate(context_.get(), read);
        ::SSL_CTX_use_PrivateKey(context_.get(), key);
        ::X509_free(read);
        ::EVP_PKEY_free(key);
        if (asks_for_certificate) {
            ::SSL_CTX_set_verify(
                context_.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
            const unsigned char name[] = "test";
            ::SSL_CTX_set_session_id_context(context_.get(), name, sizeof name);
        }
        SSL_CTX_set_max_send_fragment(context_.get(), 512); // the least: tickets come in pieces
        ssl_.reset(::SSL_new(context_.get()));
        ::SSL_set_bio(ssl_.get(), ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
        ::SSL_set_accept_state(ssl_.get());
    }

    // Takes what the client sends. Returns: what it says to that.
    std::string answer(std::string_view bytes) {
        ::BIO_write(::SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
        ::SSL_do_handshake(ssl_.get());
        std::string said;
        std::array<char, 4096> buffer{};
        for (int got = 0;
             (got = ::BIO_read(
                  ::SSL_get_wbio(ssl_.get()), buffer.data(), static_cast<int>(buffer.size()))) >
             0;) {
            said.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return said;
    }

private:
    std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context_;
    std::unique_ptr<SSL, decltype(&::SSL_free)> ssl_{nullptr, ::SSL_free};
};

struct shaken_hands {
    progress result = progress::wants_input;
    std::string unread; // of the peer, behind the handshake
};

shaken_hands shake_hands(tls_session& client, peer& with) {
    constexpr int most_turns = 10;
    shaken_hands done;
    for (int i = 0; i < most_turns && done.result == progress::wants_input; ++i) {
        done.result = client.handshake();
        std::string said;
        client.take_output(said);
        done.unread = with.answer(said);
        if (done.result == progress::wants_input) {
            client.feed(done.unread);
        }
    }
    return done;
}

struct client_files {
    client_files() {
        options.ca_file = folder.write("ca.pem", authority().certificate());
        CHECK(context.load(options) == "");
    }

    temporary_folder folder;
    tls_options options;
    tls_context context;
};

// The error that the handshake ends with; none if it succeeds.
std::error_code error_with(const std::string& host, const certificate_wish& wish) {
    const client_files files;
    tls_session client(files.context, host);
    peer other(authority().issue(wish));
    const auto done = shake_hands(client, other);
    return done.result == progress::done ? std::error_code() : client.error();
}

std::size_t record_bytes(std::string_view records) {
    return 5u + static_cast<unsigned char>(records[3]) * 256u +
           static_cast<unsigned char>(records[4]);
}

} // namespace

TEST_SUITE("transport/tls") {
TEST_CASE("D-12.1 the certificate is held against the host, name or address, and no other") {
    const certificate_wish name{.hosts = {"mon.example"}};
    const certificate_wish address{.addresses = {"192.0.2.1", "fe80::1"}};

    CHECK_FALSE(error_with("mon.example", name));
    CHECK(error_with("other.example", name) == tls_errc::bad_certificate);
    CHECK(error_with("192.0.2.1", name) == tls_errc::bad_certificate);
    CHECK_FALSE(error_with("192.0.2.1", address));
    CHECK(error_with("192.0.2.2", address) == tls_errc::bad_certificate);
}

TEST_CASE("D-12.1 an address with a zone is one, too, and not whoever the authority knows") {
    CHECK_FALSE(error_with("fe80::1%1", {.addresses = {"fe80::1"}}));
    CHECK(error_with("fe80::1%1", {.addresses = {"fe80::2"}}) == tls_errc::bad_certificate);
    CHECK(error_with("fe80::1%1", {.hosts = {"mon.example"}}) == tls_errc::bad_certificate);
}

TEST_CASE("D-12.1 what no certificate can be of is refused instead of not being checked") {
    const certificate_wish wish{.hosts = {"mon.example"}};

    CHECK(error_with("", wish) == tls_errc::bad_certificate);
    CHECK(error_with(std::string("mon.example\0.other", 18), wish) == tls_errc::bad_certificate);
}

TEST_CASE("a write in the middle of a ticket fails: nothing of it was encrypted") {
    client_files files;
    const std::string label(60, 'x'); // makes the certificate long, and so the tickets
    const auto own = authority().issue({.hosts = {label + ".a", label + ".b", label + ".c"}});
    files.options.cert_file = files.folder.write("own.pem", own.certificate + own.key);
    REQUIRE(files.context.load(files.options) == "");
    tls_session client(files.context, "mon.example");
    peer other(authority().issue({.hosts = {"mon.example"}}), true);
    const auto done = shake_hands(client, other);
    REQUIRE(done.result == progress::done);
    const auto first = record_bytes(done.unread);
    REQUIRE(first < done.unread.size());
    char buffer[16];
    std::size_t got = 0;

    SUBCASE("of which one record is there") {
        client.feed(std::string_view(done.unread).substr(0, first));
        CHECK(client.read(buffer, sizeof buffer, got) == progress::wants_input);
        CHECK(client.write("a record") == progress::failed);
        CHECK(client.error() == tls_errc::damaged);
        CHECK_FALSE(transport::is_tls_refusal(client.error()));
        CHECK(client.what() != "");
    }
    SUBCASE("and succeeds once that has ended") {
        client.feed(done.unread);
        CHECK(client.read(buffer, sizeof buffer, got) == progress::wants_input);
        CHECK(client.write("a record") == progress::done);
    }
}

TEST_CASE("D-12.4 files that changed are used, a pair that does not fit counts once and changes "
          "nothing") {
    client_files files;
    const auto first = authority().issue({.name = "first", .ends = std::chrono::hours(49)});
    const auto second =
        authority().issue({.name = "second", .ends = std::chrono::hours(24 * 30 + 1)});
    files.options.cert_file = files.folder.write("own.pem", first.certificate);
    files.options.key_file = files.folder.write("own.key", first.key);
    tls_context context;
    REQUIRE(context.load(files.options) == "");
    const auto own_days = [&] {
        destination_stats stats;
        context.fill(stats, std::chrono::system_clock::now());
        return stats.tls_own_days.value_or(-1);
    };
    const auto before = context.generation();
    context.refresh();
    CHECK(context.generation() == before);
    CHECK(own_days() == 2);

    files.folder.write("own.pem", second.certificate);
    context.refresh();
    context.refresh();

    CHECK(context.generation() == before);
    CHECK(context.failed_reloads() == 1);
    CHECK(context.what().find("own.key: ") != std::string::npos);
    CHECK(own_days() == 2);

    files.folder.write("own.key", second.key);
    context.refresh();

    CHECK(context.generation() == before + 1);
    CHECK(context.failed_reloads() == 1);
    CHECK(own_days() == 30);
}

TEST_CASE("D-12.4 a CA file that is gone, or no PEM any more, stays trusted as it was") {
    client_files files;
    const auto handshake = [&] {
        tls_session client(files.context, "mon.example");
        peer other(authority().issue({.hosts = {"mon.example"}}));
        return shake_hands(client, other).result;
    };
    std::filesystem::remove(files.options.ca_file);
    files.context.refresh();
    CHECK(files.context.failed_reloads() == 1);
    CHECK(files.context.what().find("No such file") != std::string::npos);
    CHECK(handshake() == progress::done);
    files.folder.write("ca.pem", "no certificate");
    files.context.refresh();
    CHECK(files.context.failed_reloads() == 2);
    CHECK(handshake() == progress::done);

    files.folder.write("ca.pem", certificate_authority("another").certificate());
    files.context.refresh();

    CHECK(files.context.failed_reloads() == 2);
    CHECK(handshake() == progress::failed);
}

TEST_CASE("D-12.7 version and the end of the peer's certificate are known behind the handshake") {
    client_files files;
    tls_session client(files.context, "mon.example");
    peer other(
        authority().issue({.hosts = {"mon.example"}, .ends = std::chrono::hours(24 * 7 + 1)}));
    REQUIRE(shake_hands(client, other).result == progress::done);

    files.context.remember_peer(client);
    files.context.count_failure(tls_errc::bad_certificate);
    files.context.count_failure(tls_errc::refused);
    files.context.count_failure(tls_errc::refused);
    files.context.count_failure(std::make_error_code(std::errc::timed_out));

    destination_stats stats;
    files.context.fill(stats, std::chrono::system_clock::now());
    CHECK(stats.tls_version == 13);
    CHECK(stats.tls_peer_days == 7);
    CHECK_FALSE(stats.tls_own_days.has_value());
    CHECK(stats.tls_unverified == 0);
    CHECK(stats.tls_certificate_failures == 1);
    CHECK(stats.tls_agreement_failures == 0);
    CHECK(stats.tls_refused_failures == 2);
    CHECK(stats.tls_broken_failures == 1);
    files.context.fill(stats, std::chrono::system_clock::now() + std::chrono::hours(24 * 10));
    CHECK(stats.tls_peer_days == -3); // it has ended
}

TEST_CASE("D-12.5 a connection lives for ten minutes, a tenth more or less") {
    CHECK(transport::life_of_connection(0.0) == std::chrono::seconds(540));
    CHECK(transport::life_of_connection(0.5) == std::chrono::seconds(600));
    CHECK(transport::life_of_connection(0.999) == std::chrono::seconds(659));
}
}
