#pragma once

// What `metric-create-raw` sends: one text as it is, or a stream of many in batches.

#include <monarc/monasca_client.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace monarc::tool {

class session;

// A member tenant_id of an object goes to the query. `text` was checked to be JSON.
monasca::call raw_metric_call(const std::string& text);

bool is_json(std::string_view text);

// `-` is standard input, `@name` a file: metrics one a line, or one array of them. They go out in
// batches, over one connection; at a broken one all before it are sent. Throws failure.
void send_metrics_of(session& s, const std::string& from);

// Cuts a stream of JSON objects, with or without an array around them, into its objects.
class object_cutter {
public:
    static constexpr std::size_t max_object_bytes = std::size_t{1} << 20;

    // Calls `take(text)` for each object that ends in `bytes`. Returns: false if they are no such
    // stream; what() says why.
    template <class Take>
    bool feed(std::string_view bytes, Take&& take) {
        for (const char c : bytes) {
            if (!step(c)) {
                return false;
            }
            if (is_whole_) {
                is_whole_ = false;
                take(std::exchange(object_, {}));
            }
        }
        return true;
    }
    // Nothing follows. Returns: as feed().
    bool end();
    const std::string& what() const noexcept { return what_; }
    // Where the object that was taken last begins.
    std::size_t first_line() const noexcept { return first_line_; }

private:
    bool step(char c);
    bool fail(std::string_view why);

    std::string object_;
    std::string what_;
    std::size_t depth_ = 0; // of braces and brackets inside an object
    bool is_in_text_ = false;
    bool is_escaped_ = false;
    bool is_whole_ = false;
    bool is_array_ = false; // around all of them
    bool has_begun_ = false;
    bool has_ended_ = false; // the array has
    std::size_t line_ = 1;
    std::size_t first_line_ = 1; // of the object
};

} // namespace monarc::tool
