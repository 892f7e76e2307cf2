#include "sink/keystone_api.hpp"
#include "sink/monasca_api.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace monarc;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t now = 1'795'293'815'967; // 2026-11-21T20:43:35.967Z

const std::string by_name = R"("user":{"name":"mini-mon","domain":{"name":"Default"},"password":)";
const std::string to_project =
    R"(,"scope":{"project":{"name":"mini-mon","domain":{"id":"default"}}})";

std::string with_password(const std::string& user, const std::string& scope = to_project) {
    return R"({"auth":{"identity":{"methods":["password"],"password":{)" + user + "}}" + scope +
           "}}";
}

std::string with_token(const std::string& token, const std::string& scope = to_project) {
    return R"({"auth":{"identity":{"methods":["token"],"token":{"id":")" + token + "\"}}" + scope +
           "}}";
}

std::string with_credential(const std::string& members, const std::string& scope = {}) {
    return R"({"auth":{"identity":{"methods":["application_credential"],)"
           R"("application_credential":{)" +
           members + "}}" + scope + "}}";
}

const std::string good = with_password(by_name + "\"password\"}");

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

class keystone {
public:
    explicit keystone(sink::keystone_options options = {.monasca_url = "http://mon/v2.0"})
        : api(std::move(options)) {}

    sink::http_response
    ask(const std::string& method,
        const std::string& path,
        const std::string& body = {},
        sink::http_fields fields = {},
        std::int64_t at = now) {
        sink::http_request request;
        request.method = method;
        const auto mark = path.find('?');
        request.path = path.substr(0, mark);
        request.query = mark == std::string::npos ? "" : path.substr(mark + 1);
        request.fields = std::move(fields);
        request.fields.emplace_back("Host", "key:5000");
        request.body = body;
        return api.serve(request, at);
    }
    sink::http_response log_in(const std::string& body, std::int64_t at = now) {
        return ask("POST", "/v3/auth/tokens", body, {}, at);
    }
    // The token of a login that must be good.
    std::string token(const std::string& body = good, std::int64_t at = now) {
        const auto response = log_in(body, at);
        REQUIRE(response.status == 201);
        return std::string(sink::field_of(response.fields, "x-subject-token"));
    }

    sink::keystone_api api;
};

} // namespace

TEST_SUITE("sink/keystone_api") {
TEST_CASE("a root answers 300, a versioned address 200, both with the address of v3") {
    keystone k;
    const auto root = k.ask("GET", "/");
    CHECK(root.status == 300);
    CHECK(sink::field_of(root.fields, "location") == "http://key:5000/v3/");
    CHECK(root.body.starts_with(R"({"versions":{"values":[{"id":"v3.14")"));
    for (const std::string path : {"/v3", "/v3/"}) {
        const auto version = k.ask("GET", path);
        CHECK(version.status == 200);
        CHECK(has(version.body, R"("links":[{"rel":"self","href":"http://key:5000/v3/"}])"));
    }
    const auto nowhere = k.ask("GET", "/v2.0");
    CHECK(nowhere.status == 404);
    CHECK(sink::field_of(nowhere.fields, "content-type") == "text/html; charset=utf-8");
    CHECK(k.ask("PUT", "/v3").status == 405);
}

TEST_CASE("a login answers 201 with token, roles, project, times and catalogue") {
    keystone k;
    const auto response = k.log_in(good);
    CHECK(response.status == 201);
    CHECK(sink::field_of(response.fields, "date") == "Sat, 21 Nov 2026 20:43:35 GMT");
    const auto token = sink::field_of(response.fields, "x-subject-token");
    CHECK(token.starts_with("gAAAAAB"));
    CHECK(token.size() == 183);
    CHECK(
        token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_") == std::string_view::npos);
    CHECK(has(response.body, R"("issued_at":"2026-11-21T20:43:35.967000Z")"));
    CHECK(has(response.body, R"("expires_at":"2026-11-21T21:43:35.967000Z")"));
    CHECK(has(response.body, R"("name":"mini-mon"},"is_domain":false,"roles":[{"id":)"));
    CHECK(has(response.body, R"("name":"monasca-user"}])"));
    CHECK(
        has(response.body,
            R"("interface":"public","region_id":"RegionOne","url":)"
            R"("http://mon/v2.0","region":"RegionOne"})"));
    CHECK(has(response.body, R"("type":"monitoring","name":"monasca"})"));
    CHECK_FALSE(has(k.ask("POST", "/v3/auth/tokens?nocatalog", good).body, "catalog"));
}

TEST_CASE("users and projects go by id, or by name within a domain, and an id wins") {
    keystone k;
    const sink::keystone_account account = sink::default_accounts().front();
    const auto user = R"("user":{"id":")" + user_id(account) + R"(","name":"wrong","password":)" +
                      R"("password"})";
    const auto scope = R"(,"scope":{"project":{"id":")" + project_id(account) + "\"}}";
    CHECK(k.log_in(with_password(user, scope)).status == 201);
    CHECK(k.log_in(with_password(by_name + "\"password\"}", scope)).status == 201);

    const std::string elsewhere =
        R"("user":{"name":"mini-mon","domain":{"name":"acme"},"password":"password"})";
    CHECK(k.log_in(with_password(elsewhere)).status == 401);
    const auto no_domain = k.log_in(with_password(R"("user":{"name":"u","password":"p"})"));
    CHECK(no_domain.status == 400);
    CHECK(has(no_domain.body, "Expecting to find domain in user. The server could not comply"));
    const auto no_project_domain = k.log_in(
        with_password(by_name + "\"password\"}", R"(,"scope":{"project":{"name":"mini-mon"}})"));
    CHECK(no_project_domain.status == 400);
    CHECK(has(no_project_domain.body, "Expecting to find domain in project."));
}

TEST_CASE("whatever is wrong with who logs in, the answer is one and the same 401") {
    keystone k;
    const std::string body =
        "{\"error\":{\"code\":401,\"message\":\"The request you have made requires "
        "authentication.\",\"title\":\"Unauthorized\"}}\n";
    for (const auto& wrong :
         {with_password(by_name + "\"wrong\"}"),
          with_password(R"("user":{"name":"x","domain":{"id":"default"},"password":"password"})"),
          with_password(by_name + "\"password\"}", R"(,"scope":{"project":{"id":"x"}})"),
          with_password(by_name + "\"password\"}", R"(,"scope":{"domain":{"name":"Default"}})"),
          with_password(by_name + "\"password\"}", R"(,"scope":{"system":{"all":true}})"),
          with_credential(R"("id":"x","secret":"password")"),
          std::string(R"({"auth":{"identity":{"methods":["saml2"]}}})")}) {
        const auto response = k.log_in(wrong);
        CAPTURE(wrong);
        CHECK(response.status == 401);
        CHECK(response.body == body);
        CHECK(
            sink::field_of(response.fields, "www-authenticate") ==
            "Keystone uri=\"http://key:5000/v3\"");
    }
    CHECK(k.api.snapshot().refused_logins == 7);
    CHECK(k.api.snapshot().logins == 0);
}

TEST_CASE("a body that is not understood is a 400 that says what is missing") {
    keystone k;
    for (const auto& [body, message] : std::vector<std::pair<std::string, std::string>>{
             {"", "Expecting to find valid JSON in request body."},
             {"[]", "Expecting to find valid JSON in request body."},
             {"{}", "Expecting to find auth in request body."},
             {R"({"auth":{}})", "Expecting to find identity in auth."},
             {R"({"auth":{"identity":{}}})", "Expecting to find methods in identity."},
             {R"({"auth":{"identity":{"methods":["password"]}}})",
              "Expecting to find password in identity."},
             {R"({"auth":{"identity":{"methods":"password"}}})",
              "Invalid input for field 'methods': password is not of type 'array'"},
             {R"({"auth":{"identity":{"methods":["token"],"token":{"id":7}}}})",
              "Invalid input for field 'id': 7 is not of type 'string'"},
             {with_token("t", R"(,"scope":{})"), "Expecting to find project, domain, "}}) {
        const auto response = k.log_in(body);
        CAPTURE(body);
        CHECK(response.status == 400);
        CHECK(response.body.starts_with(R"({"error":{"code":400,"message":")" + message));
        CHECK(has(response.body, R"("title":"Bad Request"}})"));
    }
}

TEST_CASE("an application credential brings its project along and takes no scope") {
    keystone k;
    const auto account = sink::default_accounts().front();
    const auto id = "\"id\":\"" + application_credential_id(account) + "\"";
    const auto made = k.log_in(with_credential(id + R"(,"secret":"password")"));
    CHECK(made.status == 201);
    CHECK(has(made.body, R"("methods":["application_credential"])"));
    CHECK(has(made.body, R"("name":"monasca-user")"));
    CHECK(k.log_in(with_credential(id + R"(,"secret":"password")", to_project)).status == 401);
    CHECK(k.log_in(with_credential(id + R"(,"secret":"wrong")")).status == 401);
    const std::string named = R"("name":"mini-mon-mini-mon","secret":"password")";
    CHECK(
        k.log_in(
             with_credential(named + R"(,"user":{"name":"mini-mon","domain":{"name":"Default"}})"))
            .status == 201);
    CHECK(k.log_in(with_credential(named)).status == 400);
}

TEST_CASE("a token is good until its last millisecond, and a login with it does not prolong it") {
    keystone k({.token_life = 12s});
    const auto first = k.token();
    CHECK(k.api.find_token(first, now + 11'999));
    CHECK_FALSE(k.api.find_token(first, now + 12'000));

    const auto again = k.log_in(with_token(first), now + 5'000);
    CHECK(again.status == 201);
    CHECK(has(again.body, R"("methods":["token","password"])"));
    CHECK(has(again.body, R"("expires_at":"2026-11-21T20:43:47.967000Z")"));
    const std::string second(sink::field_of(again.fields, "x-subject-token"));
    CHECK(second != first);
    CHECK_FALSE(k.api.find_token(second, now + 12'000));

    const auto late = k.log_in(with_token(first), now + 12'000);
    CHECK(late.status == 404);
    CHECK(has(late.body, "Failed to validate token"));
    CHECK(has(k.log_in(with_token("bad")).body, "Could not recognize Fernet token"));
}

TEST_CASE("DELETE ends a token at once; GET and HEAD tell of one that is good") {
    keystone k;
    const auto mine = k.token();
    const auto other = k.token();
    const auto about = [&](const std::string& method) {
        return k.ask(
            method, "/v3/auth/tokens", {}, {{"X-Auth-Token", mine}, {"X-Subject-Token", other}});
    };
    CHECK(about("GET").status == 200);
    CHECK(about("HEAD").status == 200);
    CHECK(about("DELETE").status == 204);
    CHECK(about("GET").status == 404);
    CHECK_FALSE(k.api.find_token(other, now));
    CHECK(k.api.find_token(mine, now));
    CHECK(k.ask("DELETE", "/v3/auth/tokens", {}, {{"X-Subject-Token", mine}}).status == 401);

    k.api.revoke_all();
    CHECK_FALSE(k.api.find_token(mine, now));
    CHECK(k.api.snapshot().revoked == 2);
}

TEST_CASE("without a scope a token has no project, no roles and no catalogue") {
    keystone k;
    const auto response = k.log_in(with_password(by_name + "\"password\"}", ""));
    CHECK(response.status == 201);
    for (const auto* none : {"project", "roles", "catalog"})
        CHECK_FALSE(has(response.body, none));
    const auto facts = k.api.find_token(sink::field_of(response.fields, "x-subject-token"), now);
    REQUIRE(facts);
    CHECK(facts->project.empty());
    CHECK(facts->roles.empty());
}

TEST_CASE("a role that is taken away is missing in tokens that are out") {
    keystone k;
    const auto token = k.token();
    CHECK(k.api.find_token(token, now)->has_role("monasca-user"));
    k.api.set_roles("mini-mon", {"member"});
    CHECK_FALSE(k.api.find_token(token, now)->has_role("monasca-user"));
}

TEST_CASE("while it is down every request is a 503, and tokens stay good") {
    keystone k;
    const auto token = k.token();
    k.api.set_down(true);
    CHECK(k.log_in(good).status == 503);
    CHECK(k.ask("GET", "/v3").status == 503);
    CHECK(k.api.find_token(token, now));
    k.api.set_down(false);
    CHECK(k.log_in(good).status == 201);
}

TEST_CASE("from one seed come the same tokens in the same order") {
    keystone a({.seed = 7});
    keystone b({.seed = 7});
    keystone c({.seed = 8});
    const auto first = a.token();
    CHECK(first == b.token());
    CHECK(first != c.token());
    CHECK(a.token() != first);
    CHECK(keystone().token() != keystone().token());
}

TEST_CASE("an account is read as it is written, and what is none says its form") {
    sink::keystone_account read;
    CHECK(sink::read_account("a:p@ss/w:rd@shop/monasca-agent,admin", read).empty());
    CHECK(read.user == "a");
    CHECK(read.password == "p@ss/w:rd");
    CHECK(read.project == "shop");
    CHECK(read.roles == std::vector<std::string>{"monasca-agent", "admin"});
    CHECK(sink::read_account("a:p@shop/", read).empty());
    CHECK(read.roles.empty());
    for (const auto* wrong :
         {"", "a", "a:p", "a:p@shop", ":p@shop/r", "a:@s/r", "a:p@/r", "a:p@s/r,,q"}) {
        CAPTURE(wrong);
        CHECK_FALSE(sink::read_account(wrong, read).empty());
    }
}
}

namespace {

// A Monasca that asks that Keystone.
class both {
public:
    both()
        : monasca_({.find_token = [this](std::string_view t, std::int64_t at) {
              return key.api.find_token(t, at);
          }}) {}

    sink::http_response
    ask(const std::string& method, const std::string& target, const std::string& token) {
        sink::http_request request;
        request.method = method;
        const auto mark = target.find('?');
        request.path = target.substr(0, mark);
        request.query = mark == std::string::npos ? "" : target.substr(mark + 1);
        request.fields = {
            {"Host", "mon"}, {"X-Auth-Token", token}, {"Content-Type", "application/json"}};
        if (method == "POST")
            request.body = R"({"name":"m","value":1,"timestamp":1795293815967})";
        return monasca_.serve(request, now);
    }
    int send(const std::string& token, const std::string& query = {}) {
        return ask("POST", "/v2.0/metrics" + query, token).status;
    }
    std::string log_in(const std::string& user, const std::string& scope = to_project) {
        return key.token(with_password(
            R"("user":{"name":")" + user +
                R"(","domain":{"name":"Default"},"password":"password"})",
            scope));
    }

    keystone key{
        {.accounts = {
             {"user", "password", "mini-mon", {"monasca-user"}},
             {"agent", "password", "mini-mon", {"monasca-agent"}},
             {"delegate", "password", "mini-mon", {"monasca-agent", "admin"}},
             {"reader", "password", "mini-mon", {"monasca-read-only-user"}},
             {"admin", "password", "mini-mon", {"admin"}},
             {"nobody", "password", "mini-mon", {"member"}}}}};
    void switch_to(const sink::monasca_switches& s) { monasca_.set_switches(s); }

private:
    sink::monasca_api monasca_;
};

} // namespace

TEST_SUITE("sink/keystone and monasca") {
TEST_CASE("a token that Keystone does not know is the 401 of its middleware") {
    both b;
    const auto unknown = b.ask("POST", "/v2.0/metrics", "gAAAAABunknown");
    CHECK(unknown.status == 401);
    CHECK(unknown.body.starts_with(R"({"error":{"code":401)"));
    const auto token = b.log_in("user");
    CHECK(b.send(token) == 204);
    b.key.api.revoke_all();
    CHECK(b.send(token) == 401);
}

TEST_CASE("who may send, read and write is what the roles say") {
    both b;
    const auto statuses = [&](const std::string& user) {
        const auto token = b.log_in(user);
        return std::vector<int>{
            b.send(token),
            b.ask("GET", "/v2.0/metrics", token).status,
            b.ask("GET", "/v2.0/alarms", token).status,
            b.ask("DELETE", "/v2.0/alarms/x", token).status};
    };
    CHECK(statuses("user") == std::vector{204, 200, 200, 404});
    CHECK(statuses("agent") == std::vector{204, 401, 401, 401});
    CHECK(statuses("reader") == std::vector{401, 200, 200, 401});
    CHECK(statuses("admin") == std::vector{401, 401, 401, 401});
    CHECK(statuses("nobody") == std::vector{401, 401, 401, 401});
    const auto refused = b.ask("POST", "/v2.0/metrics", b.log_in("nobody"));
    CHECK(
        refused.body ==
        R"({"title":"Forbidden","description":"The request does not have access to this service"})");
    CHECK(b.send(b.log_in("user", "")) == 401); // no scope: the kind of a missing role
    CHECK(b.ask("POST", "/v2.0/metrics", b.log_in("user", "")).body == refused.body);
}

TEST_CASE("tenant_id is honoured for a delegate, and without a word ignored for others") {
    both b;
    const std::string other = "?tenant_id=" + std::string(32, 'f');
    CHECK(b.send(b.log_in("delegate"), other) == 204);
    const auto reader = b.log_in("reader");
    const std::string none = "\"elements\":[]}";
    CHECK(b.ask("GET", "/v2.0/metrics", reader).body.ends_with(none));
    CHECK(b.send(b.log_in("agent"), other) == 204);
    CHECK_FALSE(b.ask("GET", "/v2.0/metrics", reader).body.ends_with(none));
}

TEST_CASE("without Keystone a token that was seen goes on, another is a 503 in plain text") {
    both b;
    const auto seen = b.log_in("user");
    const auto unseen = b.log_in("user");
    CHECK(b.send(seen) == 204);
    b.switch_to({.keystone_is_down = true});
    CHECK(b.send(seen) == 204);
    const auto refused = b.ask("POST", "/v2.0/metrics", unseen);
    CHECK(refused.status == 503);
    CHECK(sink::field_of(refused.fields, "content-type") == "text/plain");
    CHECK(refused.body == "The Keystone service is temporarily unavailable.");
    b.switch_to({});
    CHECK(b.send(unseen) == 204);
}
}
