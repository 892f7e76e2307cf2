#pragma once

/// Monasca's API from C++: what the command `monasca` calls.

#include <monarc/api.hpp>
#include <monarc/error.hpp>
#include <monarc/monasca_types.hpp>
#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace monarc::monasca {

/// How Keystone is told who asks.
enum class login_method {
    password,
    token,                  ///< an older token for a new one
    application_credential, ///< brings its own project
    fixed_token,            ///< no Keystone: `token` is sent as it is, to `url`
};

/// An exchange that is over, for whoever wants to see the traffic. Secrets are stars in it.
struct exchange_line {
    std::string_view method;
    std::string_view url;
    std::string_view body;   ///< of the request
    unsigned status;         ///< 0: there was no answer
    std::string_view answer; ///< its body, or why there is none
    std::string_view request_id;
    std::chrono::duration<double> took; ///< seconds
};

struct MONARC_API client_options {
    /// Of the API, with its version: `https://mon.example:8070/v2.0`. Empty: from the catalogue.
    std::string url{};

    /// Of Keystone; `/v3` at its end saves the question for its versions.
    std::string auth_url{};
    login_method login = login_method::password;

    /// A user; the id wins over the name, and so it is with all pairs below.
    std::string username{};
    std::string user_id{};
    secret password{};
    std::string user_domain{};
    std::string user_domain_id{};

    secret token{};
    std::string credential{};
    std::string credential_id{};
    secret credential_secret{};

    /// What for. A project wins over a domain.
    std::string project{};
    std::string project_id{};
    std::string project_domain{};
    std::string project_domain_id{};
    std::string domain{};
    std::string domain_id{};
    std::string trust_id{};
    bool is_for_system = false;

    /// Which entry of the catalogue. Region empty: any.
    std::string service_type = "monitoring";
    std::string interface = "public";
    std::string region{};

    /// Off: `/v3` is the version of `auth_url`, whether it says so or not.
    bool asks_for_versions = true;

    tls_options tls{};
    std::chrono::milliseconds connect_timeout{30'000};
    std::chrono::milliseconds login_timeout{20'000};
    std::chrono::milliseconds timeout{600'000}; ///< of a request with its login

    /// Called in get(), after each exchange.
    std::function<void(const exchange_line&)> trace{};

    /// From OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_TOKEN, OS_APPLICATION_CREDENTIAL_ID,
    /// OS_PROJECT_NAME and their relatives, MONASCA_API_URL. A user means password, else a secret
    /// of an application credential that, else a token with OS_AUTH_URL a token, else fixed_token.
    static client_options from_env();
};

/// Why there is no answer that can be used.
struct error {
    std::error_code code{};
    unsigned status = 0; ///< of HTTP; 0: it did not come to that
    std::string title{};
    std::string description{};
    std::string method{};
    std::string url{};
    std::string request_id{};
    bool is_of_login = false; ///< Keystone said no, or was not there
};

class MONARC_API request_error : public std::system_error {
public:
    explicit request_error(error why);
    const error& why() const noexcept { return why_; }

private:
    error why_;
};

namespace detail {
class client_state;
[[noreturn]] MONARC_API void fail(const error& why);
} // namespace detail

/// A value, or why there is none.
template <class T>
class answer {
public:
    answer(T value) : held_(std::move(value)) {}
    answer(monasca::error why) : held_(std::move(why)) {}

    explicit operator bool() const noexcept { return std::holds_alternative<T>(held_); }
    T& operator*() noexcept { return *std::get_if<T>(&held_); }
    const T& operator*() const noexcept { return *std::get_if<T>(&held_); }
    T* operator->() noexcept { return std::get_if<T>(&held_); }
    const T* operator->() const noexcept { return std::get_if<T>(&held_); }
    const monasca::error& error() const noexcept { return *std::get_if<monasca::error>(&held_); }

    /// Fails: throws request_error.
    T& value() {
        if (const auto* why = std::get_if<monasca::error>(&held_)) {
            detail::fail(*why);
        }
        return **this;
    }

private:
    std::variant<T, monasca::error> held_;
};

/// Something to ask for; thrown away it was never sent.
template <class T>
class [[nodiscard]] request {
public:
    explicit request(std::function<answer<T>()> send) : send_(std::move(send)) {}
    request(request&&) noexcept = default;
    request& operator=(request&&) noexcept = default;

    /// Sends it and waits for the answer.
    answer<T> get() { return send_(); }

private:
    std::function<answer<T>()> send_;
};

/// Any request of the API.
struct call {
    std::string method = "GET";
    std::string path{}; ///< behind the API's URL, with its first slash; may end in a query
    ordered_pairs query{};
    std::string body{}; ///< JSON; empty: none
};

/// What the API said to it, with a status of 2xx.
struct reply {
    unsigned status = 0;
    std::string body{};
    std::string url{}; ///< that was asked in the end
};

class MONARC_API metrics_resource {
public:
    request<done> create(new_metric what) const;
    /// A metric or an array of them.
    request<done> create_json(std::string json, std::string tenant_id = {}) const;
    request<page<metric>> list(metric_filter what = {}) const;
    request<page<metric_name>> list_names(name_filter what = {}) const;
    request<page<measurements>> list_measurements(measurement_filter what) const;
    request<page<statistics>> list_statistics(measurement_filter what) const;
    request<page<dimension_name>> list_dimension_names(dimension_filter what = {}) const;
    request<page<dimension_value>>
    list_dimension_values(std::string dimension_name, dimension_filter what = {}) const;

private:
    friend class client;
    explicit metrics_resource(detail::client_state* state) : state_(state) {}
    detail::client_state* state_;
};

class MONARC_API notifications_resource {
public:
    request<notification> create(notification_change what) const;
    request<notification> show(std::string id) const;
    request<page<notification>> list(page_filter what = {}) const;
    request<notification> update(std::string id, notification_change what) const;
    request<notification> patch(std::string id, notification_change what) const;
    request<done> remove(std::string id) const;

private:
    friend class client;
    explicit notifications_resource(detail::client_state* state) : state_(state) {}
    detail::client_state* state_;
};

class MONARC_API notification_types_resource {
public:
    request<page<notification_type>> list() const;

private:
    friend class client;
    explicit notification_types_resource(detail::client_state* state) : state_(state) {}
    detail::client_state* state_;
};

class MONARC_API definitions_resource {
public:
    request<alarm_definition> create(definition_change what) const;
    request<alarm_definition> show(std::string id) const;
    request<page<alarm_definition>> list(definition_filter what = {}) const;
    request<alarm_definition> update(std::string id, definition_change what) const;
    request<alarm_definition> patch(std::string id, definition_change what) const;
    request<done> remove(std::string id) const;

private:
    friend class client;
    explicit definitions_resource(detail::client_state* state) : state_(state) {}
    detail::client_state* state_;
};

class MONARC_API alarms_resource {
public:
    /// On servers of 2014, which knew no alarm definitions.
    request<alarm_definition> create(definition_change what) const;
    request<alarm> show(std::string id) const;
    request<page<alarm>> list(alarm_filter what = {}) const;
    request<alarm> update(std::string id, alarm_state what) const;
    request<alarm> patch(std::string id, alarm_state what) const;
    request<done> remove(std::string id) const;
    request<alarm_counts> count(alarm_filter what = {}) const;
    request<page<alarm_change>> history(std::string id, page_filter what = {}) const;
    request<page<alarm_change>> history_list(history_filter what = {}) const;

private:
    friend class client;
    explicit alarms_resource(detail::client_state* state) : state_(state) {}
    detail::client_state* state_;
};

/// Threads: one at a time.
/// Owns:    the connections to Keystone and the API, and the token. Requests and resources must not
///          outlive it.
class MONARC_API client {
public:
    /// Connects to nothing yet.
    /// Fails:   throws std::system_error(errc::bad_options) whose what() names the option.
    explicit client(client_options options);
    ~client();
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;

    metrics_resource metrics() const { return metrics_resource(state_.get()); }
    notifications_resource notifications() const { return notifications_resource(state_.get()); }
    notification_types_resource notification_types() const {
        return notification_types_resource(state_.get());
    }
    definitions_resource alarm_definitions() const { return definitions_resource(state_.get()); }
    alarms_resource alarms() const { return alarms_resource(state_.get()); }

    /// Logs in if need be, once more when the token is refused; follows redirects within the
    /// scheme, host and port.
    request<reply> send(call what) const;

    /// The next part of a list; `after.next` must not be empty. Whatever address the server gives
    /// for it, the API's own is asked.
    template <class T>
    request<page<T>> follow(const page<T>& after) const;

    /// Sent from now on, as with login_method::fixed_token.
    void replace_token(secret token);

private:
    std::unique_ptr<detail::client_state> state_;
};

} // namespace monarc::monasca
