#pragma once

// A test's own environment: no MONARC_* but what it sets, and afterwards as it was before.

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace monarc::support {

using variables = std::vector<std::pair<std::string, std::string>>;

class scoped_environment {
public:
    explicit scoped_environment(const variables& fresh = {}) {
        for (char** entry = environ; *entry != nullptr; ++entry) {
            const std::string_view text = *entry;
            if (text.starts_with("MONARC_")) {
                const auto equals = text.find('=');
                before_.emplace_back(text.substr(0, equals), text.substr(equals + 1));
            }
        }
        for (const auto& [name, value] : before_) {
            ::unsetenv(name.c_str());
        }
        for (const auto& [name, value] : fresh) {
            set(name, value);
        }
    }
    scoped_environment(const scoped_environment&) = delete;
    scoped_environment& operator=(const scoped_environment&) = delete;
    ~scoped_environment() {
        for (const auto& name : set_) {
            ::unsetenv(name.c_str());
        }
        for (const auto& [name, value] : before_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }

    void set(const std::string& name, const std::string& value) {
        ::setenv(name.c_str(), value.c_str(), 1);
        set_.push_back(name);
    }

private:
    variables before_;
    std::vector<std::string> set_;
};

} // namespace monarc::support
