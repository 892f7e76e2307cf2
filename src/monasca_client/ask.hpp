#pragma once

// A call to a request that gives its answer as a T.

#include "core/result.hpp"
#include "monasca_client/elements.hpp"

#include <monarc/monasca_client.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace monarc::monasca_client {

using state = std::shared_ptr<monasca::detail::client_state>;

// Of a body that is not what was asked for.
monasca::error misread(std::error_code why, const std::string& method, const monasca::reply& said);

// `read` makes a result<T> of the body.
template <class T, class Read>
monasca::request<T> ask(const state& with, monasca::call what, Read read) {
    auto to_answer = [method = what.method, read = std::move(read)](
                         monasca::answer<monasca::reply>&& said) -> monasca::answer<T> {
        if (!said) {
            return said.error();
        }
        auto made = read(said->body);
        if (!made) {
            return misread(made.error(), method, *said);
        }
        return std::move(*made);
    };
    return {monasca::detail::exchange(with, std::move(what)), std::move(to_answer)};
}

// Nothing is sent.
template <class T>
monasca::request<T> refused(monasca::error why) {
    return {
        monasca::detail::exchange(std::move(why)),
        [](monasca::answer<monasca::reply>&& said) -> monasca::answer<T> { return said.error(); }};
}

// `next`: the query of another page than the first, as the server gave it.
template <class T>
monasca::request<monasca::page<T>> ask_page(
    const state& with,
    std::string path,
    monasca::ordered_pairs query = {},
    const std::string& next = {}) {
    monasca::call what{.path = next.empty() ? path : path + '?' + next, .query = std::move(query)};
    auto read = [path = std::move(path)](const std::string& said) {
        auto made = read_page<T>(said);
        if (made) {
            made->path = path;
        }
        return made;
    };
    return ask<monasca::page<T>>(with, std::move(what), std::move(read));
}

template <class T>
monasca::request<T>
ask_element(const state& with, std::string_view method, std::string path, std::string sent = {}) {
    return ask<T>(
        with,
        {.method = std::string(method), .path = std::move(path), .body = std::move(sent)},
        read_element<T>);
}

inline monasca::request<monasca::done> ask_done(const state& with, monasca::call what) {
    return ask<monasca::done>(with, std::move(what), [](const std::string&) {
        return result<monasca::done>(monasca::done());
    });
}

} // namespace monarc::monasca_client
