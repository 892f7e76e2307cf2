#pragma once

// Certificates for tests of TLS, made while they run.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::support {

struct certificate_wish {
    std::string name = "test";
    std::vector<std::string> hosts{};     // names it is of
    std::vector<std::string> addresses{}; // and addresses, in digits
    std::chrono::seconds begins{-3600};   // from now
    std::chrono::seconds ends{3600};
};

struct issued_certificate {
    std::string certificate; // PEM
    std::string key;         // PEM
};

class certificate_authority {
public:
    explicit certificate_authority(std::string_view name);
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;
    certificate_authority& operator=(const certificate_authority&) = delete;

    const std::string& certificate() const noexcept { return certificate_; } // PEM
    issued_certificate issue(const certificate_wish& wish) const;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
    std::string certificate_;
};

} // namespace monarc::support
