#pragma once

// Members of a JSON body as the resources of alarming want them. Pure; they throw monasca_refusal
// with what the Python API says.

#include "sink/http_message.hpp"
#include "sink/python_json.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::sink {

class monasca_body {
public:
    // `status`: of whatever is wrong with the members.
    monasca_body(const http_request& request, int status);

    bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    void require(std::string_view name) const;

    std::string text(std::string_view name, std::size_t max_characters) const;
    bool boolean(std::string_view name) const;
    std::vector<std::string> texts(std::string_view name) const;
    const python::value* find(std::string_view name) const noexcept;

    [[noreturn]] void refuse(std::string description) const;

private:
    const python::value& member(std::string_view name) const;
    [[noreturn]] void refuse_member(std::string_view name, std::string_view what) const;

    python::document json_;
    int status_;
};

} // namespace monarc::sink
