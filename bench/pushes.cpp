#include "pushes.hpp"

namespace monarc::bench {
namespace {

using namespace monarc::literals;

constexpr auto order = "order"_class;
constexpr auto price = "price"_key;
constexpr auto size = "size"_key;
constexpr auto score = "score"_key;
constexpr auto account = "account"_key;
constexpr auto venue = "venue"_key;

enum class part { handle, id, handle_of_two, numbered, mixed };

[[gnu::always_inline]] inline void handle_once(push_subject& to, const four_numbers& v) noexcept {
    to.handle.push(price = v.price, size = v.size, score = v.score, account = v.account);
}
[[gnu::always_inline]] inline void id_once(push_subject& to, const four_numbers& v) noexcept {
    to.through.push(
        order(to.id), price = v.price, size = v.size, score = v.score, venue = to.venue);
}

[[gnu::noinline, gnu::noclone, gnu::aligned(64)]] void
large(push_subject& to, const four_numbers& v, part which) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        switch (which) {
        case part::handle: handle_once(to, v); break;
        case part::id: id_once(to, v); break;
        case part::handle_of_two: to.handle.push(price = v.price, venue = to.venue); break;
        case part::numbered:
            to.through.push(order(v.size), score = v.score, "is_maker"_key = v.size > 0);
            break;
        case part::mixed:
            to.through.push(
                order(to.id), venue = to.venue, "note"_key = to.id, "none"_key = nullptr);
            to.handle.push(account = v.account, "is_maker"_key = true, venue = to.venue);
            break;
        }
    }
}

} // namespace

[[gnu::noinline, gnu::aligned(64)]] void
push_handle_round(push_subject& to, const four_numbers& v) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        to.handle.push(price = v.price, size = v.size, score = v.score, account = v.account);
    }
}

[[gnu::noinline, gnu::aligned(64)]] void
push_id_round(push_subject& to, const four_numbers& v) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        to.through.push(
            order(to.id), price = v.price, size = v.size, score = v.score, venue = to.venue);
    }
}

// What mona::push reads of its thread is the caller's to set.
[[gnu::noinline, gnu::aligned(64)]] void
push_current_round(push_subject& to, const four_numbers& v) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        mona::push(price = v.price, size = v.size, score = v.score, venue = to.venue);
    }
}

[[gnu::noinline, gnu::aligned(64)]] void
push_series_round(push_subject& to, const four_numbers& v) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        to.values.push(v.price);
    }
}

[[gnu::noinline, gnu::aligned(64)]] void
push_json_round(push_subject& to, const four_numbers&) noexcept {
    for (int i = 0; i < round_pushes; ++i) {
        to.handle.push_json(to.json);
    }
}

void push_handle_round_in_large(push_subject& to, const four_numbers& v) noexcept {
    large(to, v, part::handle);
}
void push_id_round_in_large(push_subject& to, const four_numbers& v) noexcept {
    large(to, v, part::id);
}

[[gnu::noinline, gnu::aligned(64)]] void
push_handle(push_subject& to, const four_numbers& v) noexcept {
    handle_once(to, v);
}
[[gnu::noinline, gnu::aligned(64)]] void push_id(push_subject& to, const four_numbers& v) noexcept {
    id_once(to, v);
}

} // namespace monarc::bench
