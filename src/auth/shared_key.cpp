#include "auth/shared_key.hpp"

#include "core/byte_buffer.hpp"
#include "encode/msgpack_reader.hpp"
#include "encode/msgpack_writer.hpp"
#include "transport/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace monarc::auth {
namespace {

using encode::msgpack_reader;
using encode::msgpack_writer;
using encode::read_status;

constexpr std::size_t largest_message = 64 * 1024; // D-13.1

// One whole array whose first element is `name`. `count` elements follow.
reading open(
    std::string_view bytes,
    std::string_view name,
    msgpack_reader& inside,
    std::uint32_t& count,
    std::size_t& used) {
    msgpack_reader outer(bytes);
    std::string_view raw;
    switch (outer.skip(raw)) {
    case read_status::ok: break;
    case read_status::more:
        return bytes.size() <= largest_message ? reading::partial : reading::wrong;
    default: return reading::wrong;
    }
    used = raw.size();
    inside = msgpack_reader(raw);
    std::string_view said;
    if (inside.read_array(count) != read_status::ok || count == 0 ||
        inside.read_bytes(said) != read_status::ok || said != name) {
        return reading::wrong;
    }
    --count;
    return reading::whole;
}

bool take_bytes(msgpack_reader& from, std::initializer_list<std::string*> into) {
    return std::all_of(into.begin(), into.end(), [&](std::string* one) {
        std::string_view bytes;
        const bool is_read = from.read_bytes(bytes) == read_status::ok;
        *one = bytes;
        return is_read;
    });
}

void put_texts(msgpack_writer& to, std::initializer_list<std::string_view> texts) {
    for (const auto text : texts) {
        to.text(text);
    }
}

void put_binary(msgpack_writer& to, std::string_view bytes) {
    to.binary_head(bytes.size());
    to.raw(bytes);
}

// A peer's words in a log line: nothing that a terminal obeys, and not for ever.
std::string shown(std::string_view text) {
    constexpr std::size_t most_bytes = 200;
    std::string out(text.substr(0, most_bytes));
    std::replace_if(
        out.begin(),
        out.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
        '?');
    return out;
}

} // namespace

std::string encode(const hello& said) {
    byte_buffer out;
    msgpack_writer to(out);
    to.array(2);
    to.text("HELO");
    to.map(3);
    to.text("nonce");
    put_binary(to, said.nonce);
    to.text("auth");
    put_binary(to, said.auth_salt);
    to.text("keepalive");
    to.boolean(said.keeps_alive);
    return std::string(out.view());
}

std::string encode(const ping& said) {
    byte_buffer out;
    msgpack_writer to(out);
    to.array(6);
    put_texts(
        to, {"PING", said.client_host, said.salt, said.digest, said.user, said.password_digest});
    return std::string(out.view());
}

std::string encode(const pong& said) {
    byte_buffer out;
    msgpack_writer to(out);
    to.array(5);
    to.text("PONG");
    to.boolean(said.is_welcome);
    put_texts(to, {said.reason, said.server_host, said.digest});
    return std::string(out.view());
}

// Each option may be left out, and bytes may come as a text that is no UTF-8 (Fluent Bit).
reading read(std::string_view bytes, hello& into, std::size_t& used) {
    msgpack_reader inside;
    std::uint32_t count = 0;
    if (const auto opened = open(bytes, "HELO", inside, count, used); opened != reading::whole) {
        return opened;
    }
    into = {};
    std::uint32_t pairs = 0;
    if (count == 0 || inside.read_map(pairs) != read_status::ok) {
        return count == 0 ? reading::whole : reading::wrong;
    }
    for (std::uint32_t i = 0; i < pairs; ++i) {
        std::string_view name;
        std::string_view value;
        if (inside.read_bytes(name) != read_status::ok) {
            (void)inside.skip(); // a key that is no text
        }
        if (name == "nonce" && inside.read_bytes(value) == read_status::ok) {
            into.nonce = value;
        } else if (name == "auth" && inside.read_bytes(value) == read_status::ok) {
            into.auth_salt = value;
        } else if (
            name != "keepalive" || inside.read_boolean(into.keeps_alive) != read_status::ok) {
            (void)inside.skip();
        }
    }
    return reading::whole;
}

reading read(std::string_view bytes, ping& into, std::size_t& used) {
    constexpr std::uint32_t elements = 5; // behind the name; no more, no less
    msgpack_reader inside;
    std::uint32_t count = 0;
    if (const auto opened = open(bytes, "PING", inside, count, used); opened != reading::whole) {
        return opened;
    }
    const bool is_read =
        count == elements &&
        take_bytes(
            inside,
            {&into.client_host, &into.salt, &into.digest, &into.user, &into.password_digest});
    return is_read ? reading::whole : reading::wrong;
}

reading read(std::string_view bytes, pong& into, std::size_t& used) {
    constexpr std::uint32_t elements = 4;
    msgpack_reader inside;
    std::uint32_t count = 0;
    if (const auto opened = open(bytes, "PONG", inside, count, used); opened != reading::whole) {
        return opened;
    }
    const bool is_read = count >= elements &&
                         inside.read_boolean(into.is_welcome) == read_status::ok &&
                         take_bytes(inside, {&into.reason, &into.server_host, &into.digest});
    return is_read ? reading::whole : reading::wrong;
}

std::string key_digest(
    std::string_view salt, std::string_view host, std::string_view nonce, const secret& key) {
    return transport::sha512_hex({salt, host, nonce, key.reveal()});
}

shared_key_client::shared_key_client(secret key, std::string host, std::string salt)
    : key_(std::move(key)), host_(std::move(host)), salt_(std::move(salt)) {}

shared_key_client::step shared_key_client::fail(std::string what) {
    what_ = std::move(what);
    return step::failed;
}

shared_key_client::step shared_key_client::take(std::string_view bytes) {
    pending_.append(bytes);
    if (pending_.empty()) {
        return step::wants_input;
    }
    return has_hello_ ? take_pong() : take_hello();
}

shared_key_client::step shared_key_client::take_hello() {
    std::size_t used = 0;
    switch (read(pending_, hello_, used)) {
    case reading::partial: return step::wants_input;
    case reading::wrong: return fail("it sends something else than HELO first");
    case reading::whole: break;
    }
    has_hello_ = true;
    pending_.erase(0, used);
    ping mine;
    mine.client_host = host_;
    mine.salt = salt_;
    mine.digest = key_digest(salt_, host_, hello_.nonce, key_);
    output_ = encode(mine);
    return step::wants_output;
}

shared_key_client::step shared_key_client::take_pong() {
    pong said;
    std::size_t used = 0;
    switch (read(pending_, said, used)) {
    case reading::partial: return step::wants_input;
    case reading::wrong: return fail("it answers with something else than PONG");
    case reading::whole: break;
    }
    if (!said.is_welcome) {
        const bool repeats_key = said.reason.find(key_.reveal()) != std::string::npos;
        return fail(fmt::format(
            "it refuses us: {}",
            repeats_key ? "in words that repeat the key and are not shown" : shown(said.reason)));
    }
    if (said.server_host == host_) { // forward.md section 5: a loop
        return fail("it has our own name");
    }
    const auto expected = key_digest(salt_, said.server_host, hello_.nonce, key_);
    if (!transport::is_same_secret(said.digest, expected)) {
        return fail("it does not know the key itself");
    }
    pending_.erase(0, used);
    return step::done;
}

shared_key_server::shared_key_server(
    secret key, std::string host, std::string nonce, bool keeps_alive)
    : key_(std::move(key)), host_(std::move(host)), nonce_(std::move(nonce)),
      keeps_alive_(keeps_alive) {}

std::string shared_key_server::hello() const {
    auth::hello said;
    said.nonce = nonce_;
    said.keeps_alive = keeps_alive_;
    return encode(said);
}

shared_key_server::answer shared_key_server::judge(const ping& said) const {
    pong answer;
    answer.is_welcome = transport::is_same_secret(
        said.digest, key_digest(said.salt, said.client_host, nonce_, key_));
    if (answer.is_welcome) {
        answer.server_host = host_;
        answer.digest = key_digest(said.salt, host_, nonce_, key_);
    } else {
        answer.reason = "shared_key mismatch";
    }
    return {
        .is_welcome = answer.is_welcome,
        .pong = encode(answer),
        .why = answer.is_welcome
                   ? std::string()
                   : fmt::format("{} has another shared key", shown(said.client_host))};
}

shared_key_server::answer shared_key_server::refuse() const {
    pong answer;
    answer.reason = "invalid ping message";
    return {.is_welcome = false, .pong = encode(answer), .why = "something else than a PING came"};
}

} // namespace monarc::auth
