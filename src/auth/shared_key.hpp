#pragma once

// The handshake of the forward protocol, by which both sides show that they know a key without
// sending it (forward.md section 5). Pure: bytes in, bytes out.

#include <monarc/secret.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace monarc::auth {

// What each side says.
struct hello {
    std::string nonce;
    std::string auth_salt; // may be there although no user is wanted
    bool keeps_alive = true;
};
struct ping {
    std::string client_host;
    std::string salt;
    std::string digest;
    std::string user;
    std::string password_digest;
};
struct pong {
    bool is_welcome = false;
    std::string reason;
    std::string server_host;
    std::string digest;
};

std::string encode(const hello& said);
std::string encode(const ping& said);
std::string encode(const pong& said);

// Reads one of them at the beginning of `bytes`.
enum class reading { whole, partial, wrong };
reading read(std::string_view bytes, hello& into, std::size_t& used);
reading read(std::string_view bytes, ping& into, std::size_t& used);
reading read(std::string_view bytes, pong& into, std::size_t& used);

// What proves that whoever calls himself `host` knows the key.
std::string
key_digest(std::string_view salt, std::string_view host, std::string_view nonce, const secret& key);

// The client's side. Feed it what comes; write what it wants written.
class shared_key_client {
public:
    // `host`: our name. `salt`: random, in hex digits.
    shared_key_client(secret key, std::string host, std::string salt);

    enum class step {
        wants_input,
        wants_output, // write output(), then go on
        done,         // rest() came behind it
        failed,       // for good: what()
    };
    step take(std::string_view bytes);

    const std::string& output() const noexcept { return output_; }
    std::string_view rest() const noexcept { return pending_; }
    const std::string& what() const noexcept { return what_; }
    bool has_begun() const noexcept { return has_hello_; } // the server has said something
    bool keeps_alive() const noexcept { return hello_.keeps_alive; }

private:
    step fail(std::string what);
    step take_hello();
    step take_pong();

    secret key_;
    std::string host_;
    std::string salt_;
    std::string pending_;
    std::string output_;
    std::string what_;
    hello hello_;
    bool has_hello_ = false;
};

// The server's side of the same.
class shared_key_server {
public:
    // `host`: the server's name, which must not be that of a client. `nonce`: random.
    shared_key_server(secret key, std::string host, std::string nonce, bool keeps_alive);

    std::string hello() const;

    struct answer {
        bool is_welcome = false;
        std::string pong; // to be written in any case
        std::string why;  // not welcome
    };
    answer judge(const ping& said) const;
    // To what is no PING.
    answer refuse() const;

private:
    secret key_;
    std::string host_;
    std::string nonce_;
    bool keeps_alive_;
};

} // namespace monarc::auth
