#pragma once

// An exporter whose peer stands behind TLS, for a test to fill in who that is.

#include "support/certificates.hpp"
#include "support/temporary_folder.hpp"
#include "support/three_counts.hpp"

#include <monarc/options.hpp>

#include <chrono>

namespace monarc::support {

inline const certificate_authority& right_authority() {
    static const certificate_authority made("the right CA");
    return made;
}

struct tls_scene {
    tls_scene() {
        options.queue.capacity = 4096;
        options.batch.max_delay = std::chrono::milliseconds(5);
        options.log = log.writer();
        options.tls.ca_file = folder.write("ca.pem", right_authority().certificate());
    }

    temporary_folder folder;
    log_book log;
    exporter_options options;
};

} // namespace monarc::support
