#include "monasca/raw_metrics.hpp"

#include "monasca/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace monarc::tool {
namespace {

using sink::python::kind;

constexpr std::size_t batch_metrics = 500;
constexpr std::size_t batch_bytes = std::size_t{1} << 20;

// Metrics on their way into one request.
class batch {
public:
    batch(session& s, std::string_view from) : session_(s), from_(from) {}

    // `line`: where it begins.
    void add(const std::string& metric, std::size_t line) {
        if (!is_json(metric)) {
            end_before(fmt::format(
                "line {}: metric {} is no JSON: '{}'",
                line,
                sent_ + count_ + 1,
                metric.substr(0, 100)));
        }
        if (count_ == batch_metrics || body_.size() + metric.size() + 2 > batch_bytes) {
            send();
        }
        body_ += body_.empty() ? "[" : ",";
        body_ += metric;
        first_line_ = count_ == 0 ? line : first_line_;
        last_line_ = line;
        ++count_;
    }

    void send() {
        if (count_ == 0) {
            return;
        }
        const auto got = session_.try_to_ask(
            {.method = "POST", .path = "/metrics", .body = std::exchange(body_, {}) + "]"});
        if (!got) {
            throw failure{fmt::format(
                "{}\nmonasca: {}: metrics {} to {}, of lines {} to {}, were refused; {} were sent "
                "before them",
                told(got.error()),
                from_,
                sent_ + 1,
                sent_ + count_,
                first_line_,
                last_line_,
                sent_)};
        }
        sent_ += count_;
        count_ = 0;
    }

    // At what cannot be sent: all that stands before it is.
    [[noreturn]] void end_before(std::string_view why) {
        send();
        throw failure{
            fmt::format("{}: {}; the metrics before it were sent: {} of them", from_, why, sent_)};
    }

private:
    session& session_;
    std::string from_;
    std::string body_;
    std::size_t count_ = 0;
    std::size_t first_line_ = 0;
    std::size_t last_line_ = 0;
    std::size_t sent_ = 0;
};

class input {
public:
    explicit input(const std::string& from)
        : name_(from == "-" ? "standard input" : from.substr(1)),
          number_(from == "-" ? STDIN_FILENO : ::open(name_.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (number_ < 0) {
            fail();
        }
    }
    ~input() {
        if (number_ > STDIN_FILENO) {
            ::close(number_);
        }
    }
    input(const input&) = delete;
    input& operator=(const input&) = delete;

    // Empty: the end.
    std::string_view read() {
        ssize_t got = 0;
        do {
            got = ::read(number_, buffer_.data(), buffer_.size());
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            fail();
        }
        return {buffer_.data(), static_cast<std::size_t>(got)};
    }
    const std::string& name() const noexcept { return name_; }

private:
    [[noreturn]] void fail() const {
        throw failure{fmt::format("{}: {}", name_, std::system_category().message(errno))};
    }

    std::string name_;
    int number_;
    std::array<char, 64 * 1024> buffer_;
};

} // namespace

bool is_json(std::string_view text) {
    return json_document::read(text).has_value();
}

monasca::call raw_metric_call(const std::string& text) {
    monasca::call what{.method = "POST", .path = "/metrics", .body = text};
    const auto document = json_document::read(text);
    const auto* const tenant = document && document->root().kind == kind::object
                                   ? document->root().find("tenant_id")
                                   : nullptr;
    if (tenant == nullptr) {
        return what;
    }
    body rest;
    for (const auto& m : document->root().members) {
        if (m.key != "tenant_id") {
            rest.add_json(m.key, compact(m.held));
        }
    }
    what.body = rest.json();
    if (tenant->kind != kind::none && !plain_cell(*tenant).empty()) {
        what.query = {{"tenant_id", plain_cell(*tenant)}};
    }
    return what;
}

void send_metrics_of(session& s, const std::string& from) {
    input in(from);
    batch going(s, in.name());
    object_cutter cutter;
    while (true) {
        const auto bytes = in.read();
        const bool is_good =
            bytes.empty() ? cutter.end() : cutter.feed(bytes, [&](const std::string& one) {
                going.add(one, cutter.first_line());
            });
        if (!is_good) {
            going.end_before(cutter.what());
        }
        if (bytes.empty()) {
            break;
        }
    }
    going.send();
}

bool object_cutter::fail(std::string_view why) {
    what_ = fmt::format(
        "line {}: {}; metrics are JSON objects, one a line or in one array", line_, why);
    return false;
}

bool object_cutter::step(char c) {
    line_ += c == '\n' ? 1 : 0;
    if (depth_ == 0) { // between objects
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t' || (is_array_ && c == ',')) {
            return true;
        }
        if (c == '[' && !has_begun_) {
            has_begun_ = is_array_ = true;
            return true;
        }
        if (c == ']' && is_array_ && !has_ended_) {
            has_ended_ = true;
            return true;
        }
        if (c != '{' || has_ended_) {
            return fail(fmt::format("'{}' where an object should begin", c));
        }
        has_begun_ = true;
        first_line_ = line_;
    }
    object_ += c;
    if (object_.size() > max_object_bytes) {
        return fail("an object of more than 1 MiB");
    }
    if (is_escaped_) {
        is_escaped_ = false;
    } else if (is_in_text_) {
        is_escaped_ = c == '\\';
        is_in_text_ = c != '"';
    } else if (c == '"') {
        is_in_text_ = true;
    } else if (c == '{' || c == '[') {
        ++depth_;
    } else if (c == '}' || c == ']') {
        is_whole_ = --depth_ == 0;
    }
    return true;
}

bool object_cutter::end() {
    if (depth_ != 0) {
        line_ = first_line_;
        return fail("the object that begins here has no end");
    }
    if (is_array_ && !has_ended_) {
        return fail("the array has no end");
    }
    return true;
}

} // namespace monarc::tool
