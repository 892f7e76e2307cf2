#include "monasca_client/ask.hpp"
#include "monasca_client/state.hpp"

#include <monarc/error.hpp>

#include <fmt/format.h>

#include <utility>

namespace monarc {

monasca::error monasca_client::misread(
    std::error_code why, const std::string& method, const monasca::reply& said) {
    return {
        .code = why,
        .status = said.status,
        .title = fmt::format("{} answered with something else than asked for", said.url),
        .description = said.body.substr(0, 200),
        .method = method,
        .url = said.url};
}

} // namespace monarc

namespace monarc::monasca {

using detail::client_state;

request_error::request_error(error why) : std::system_error(why.code, why.title), why_(why) {}

namespace detail {

void fail(const error& why) {
    throw request_error(why);
}

exchange::exchange(std::shared_ptr<client_state> with, call what)
    : with_(std::move(with)), what_(std::make_shared<const call>(std::move(what))) {}

exchange::exchange(monasca::error why) : refused_(std::move(why)) {}

exchange::~exchange() {
    drop();
}

exchange::exchange(exchange&&) noexcept = default;

exchange& exchange::operator=(exchange&& other) noexcept {
    if (this != &other) {
        drop();
        with_ = std::move(other.with_);
        what_ = std::move(other.what_);
        refused_ = std::move(other.refused_);
        running_ = std::move(other.running_);
    }
    return *this;
}

void exchange::drop() noexcept {
    if (const auto one = std::exchange(running_, nullptr); one && one->drop()) {
        with_->cancel(one);
    }
}

void exchange::let_go() noexcept {
    running_ = nullptr;
}

answer<reply> exchange::get() {
    drop();
    if (!what_) {
        return refused_;
    }
    if (with_->is_own_thread()) {
        return error{
            .code = errc::would_deadlock,
            .title = "get() on the client's own thread would wait for itself; co_await, then(), or "
                     "client_options::resume"};
    }
    const auto one = with_->ask(what_, {});
    if (auto why = with_->begin(one)) {
        return std::move(*why);
    }
    return one->wait();
}

bool exchange::send(continuation woken) {
    drop();
    if (!what_) {
        return false;
    }
    const auto with = with_; // once it is begun this may be gone at any moment
    const auto one = with->ask(what_, std::move(woken));
    running_ = one;
    if (auto why = with->begin(one)) {
        one->put(std::move(*why));
        return false;
    }
    return true;
}

answer<reply> exchange::take() {
    const auto one = std::exchange(running_, nullptr);
    if (!one) {
        return refused_;
    }
    return one->take();
}

} // namespace detail

client::client(client_options options)
    : state_(std::make_shared<client_state>(std::move(options))) {}

client::~client() {
    if (state_) {
        state_->close();
    }
}

client::client(client&&) noexcept = default;

client& client::operator=(client&& other) noexcept {
    if (this != &other) {
        if (state_) {
            state_->close();
        }
        state_ = std::move(other.state_);
    }
    return *this;
}

request<reply> client::send(call what) const {
    return {detail::exchange(state_, std::move(what)), [](answer<reply>&& said) {
                return std::move(said);
            }};
}

template <class T>
request<page<T>> client::follow(const page<T>& after) const {
    return monasca_client::ask_page<T>(state_, after.path, {}, after.next);
}

template request<page<metric>> client::follow(const page<metric>&) const;
template request<page<metric_name>> client::follow(const page<metric_name>&) const;
template request<page<dimension_name>> client::follow(const page<dimension_name>&) const;
template request<page<dimension_value>> client::follow(const page<dimension_value>&) const;
template request<page<measurements>> client::follow(const page<measurements>&) const;
template request<page<statistics>> client::follow(const page<statistics>&) const;
template request<page<notification>> client::follow(const page<notification>&) const;
template request<page<alarm_definition>> client::follow(const page<alarm_definition>&) const;
template request<page<alarm>> client::follow(const page<alarm>&) const;
template request<page<alarm_change>> client::follow(const page<alarm_change>&) const;

void client::replace_token(secret token) {
    state_->replace_token(std::move(token));
}

} // namespace monarc::monasca
