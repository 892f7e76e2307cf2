#pragma once

/// Monasca's API from C++: what the command `monasca` calls.

#include <monarc/api.hpp>
#include <monarc/error.hpp>
#include <monarc/monasca_request.hpp>
#include <monarc/monasca_types.hpp>
#include <monarc/options.hpp>
#include <monarc/secret.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

    /// Called on the client's thread, after each exchange.
    std::function<void(const exchange_line&)> trace{};

    /// Where coroutines and functions given to then() wake up, from any thread: to call resume() of
    /// the handle there, once. `[&](auto h) { asio::post(context, h); }`. Empty: the client's
    /// thread, which waits for them. If it throws, they wake up there as well: throw only if the
    /// handle was given to nobody.
    std::function<void(std::coroutine_handle<>)> resume{};

    /// So many requests are under way at a time, each over a connection; the others wait for their
    /// turn, and their timeout runs. Range: 1..1000.
    std::size_t max_connections = 8;

    /// From OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_TOKEN, OS_APPLICATION_CREDENTIAL_ID,
    /// OS_PROJECT_NAME and their relatives, MONASCA_API_URL. A user means password, else a secret
    /// of an application credential that, else a token with OS_AUTH_URL a token, else fixed_token.
    static client_options from_env();
};

// Overloads instead of default arguments: g++ 12 destroys `= {}` of an aggregate twice in a
// co_await expression.

class MONARC_API metrics_resource {
public:
    request<done> create(new_metric what) const;
    /// A metric or an array of them.
    request<done> create_json(std::string json, std::string tenant_id = {}) const;
    request<page<metric>> list(metric_filter what) const;
    request<page<metric>> list() const { return list(metric_filter()); }
    request<page<metric_name>> list_names(name_filter what) const;
    request<page<metric_name>> list_names() const { return list_names(name_filter()); }
    request<page<measurements>> list_measurements(measurement_filter what) const;
    request<page<statistics>> list_statistics(measurement_filter what) const;
    request<page<dimension_name>> list_dimension_names(dimension_filter what) const;
    request<page<dimension_name>> list_dimension_names() const {
        return list_dimension_names(dimension_filter());
    }
    request<page<dimension_value>>
    list_dimension_values(std::string dimension_name, dimension_filter what) const;
    request<page<dimension_value>> list_dimension_values(std::string dimension_name) const {
        return list_dimension_values(std::move(dimension_name), dimension_filter());
    }

private:
    friend class client;
    explicit metrics_resource(std::shared_ptr<detail::client_state> state)
        : state_(std::move(state)) {}
    std::shared_ptr<detail::client_state> state_;
};

class MONARC_API notifications_resource {
public:
    request<notification> create(notification_change what) const;
    request<notification> show(std::string id) const;
    request<page<notification>> list(page_filter what) const;
    request<page<notification>> list() const { return list(page_filter()); }
    request<notification> update(std::string id, notification_change what) const;
    request<notification> patch(std::string id, notification_change what) const;
    request<done> remove(std::string id) const;

private:
    friend class client;
    explicit notifications_resource(std::shared_ptr<detail::client_state> state)
        : state_(std::move(state)) {}
    std::shared_ptr<detail::client_state> state_;
};

class MONARC_API notification_types_resource {
public:
    request<page<notification_type>> list() const;

private:
    friend class client;
    explicit notification_types_resource(std::shared_ptr<detail::client_state> state)
        : state_(std::move(state)) {}
    std::shared_ptr<detail::client_state> state_;
};

class MONARC_API definitions_resource {
public:
    request<alarm_definition> create(definition_change what) const;
    request<alarm_definition> show(std::string id) const;
    request<page<alarm_definition>> list(definition_filter what) const;
    request<page<alarm_definition>> list() const { return list(definition_filter()); }
    request<alarm_definition> update(std::string id, definition_change what) const;
    request<alarm_definition> patch(std::string id, definition_change what) const;
    request<done> remove(std::string id) const;

private:
    friend class client;
    explicit definitions_resource(std::shared_ptr<detail::client_state> state)
        : state_(std::move(state)) {}
    std::shared_ptr<detail::client_state> state_;
};

class MONARC_API alarms_resource {
public:
    /// On servers of 2014, which knew no alarm definitions.
    request<alarm_definition> create(definition_change what) const;
    request<alarm> show(std::string id) const;
    request<page<alarm>> list(alarm_filter what) const;
    request<page<alarm>> list() const { return list(alarm_filter()); }
    request<alarm> update(std::string id, alarm_state what) const;
    request<alarm> patch(std::string id, alarm_state what) const;
    request<done> remove(std::string id) const;
    request<alarm_counts> count(alarm_filter what) const;
    request<alarm_counts> count() const { return count(alarm_filter()); }
    request<page<alarm_change>> history(std::string id, page_filter what) const;
    request<page<alarm_change>> history(std::string id) const {
        return history(std::move(id), page_filter());
    }
    request<page<alarm_change>> history_list(history_filter what) const;
    request<page<alarm_change>> history_list() const { return history_list(history_filter()); }

private:
    friend class client;
    explicit alarms_resource(std::shared_ptr<detail::client_state> state)
        : state_(std::move(state)) {}
    std::shared_ptr<detail::client_state> state_;
};

/// Threads: any thread may call any member at any time; the destructor must be the last call. One
///          thread of its own, begun by the first request, sends and receives.
/// Owns:    that thread, the connections to Keystone and the API, and the token. Requests and
///          resources may outlive it: they answer errc::closed, as they do in a forked child of
///          the process that began the thread.
class MONARC_API client {
public:
    /// Connects to nothing yet.
    /// Fails:   throws std::system_error(errc::bad_options) whose what() names the option.
    explicit client(client_options options);
    /// Requests that are under way are answered with errc::closed first; waits until all that
    /// wakes up on the client's thread has returned, except there itself.
    ~client();
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;

    metrics_resource metrics() const { return metrics_resource(state_); }
    notifications_resource notifications() const { return notifications_resource(state_); }
    notification_types_resource notification_types() const {
        return notification_types_resource(state_);
    }
    definitions_resource alarm_definitions() const { return definitions_resource(state_); }
    alarms_resource alarms() const { return alarms_resource(state_); }

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
    std::shared_ptr<detail::client_state> state_;
};

} // namespace monarc::monasca
