#pragma once

/// What the shared library exports, and the version. The only macros of monarc.

#define MONARC_VERSION_MAJOR 0
#define MONARC_VERSION_MINOR 1
#define MONARC_VERSION_PATCH 0
#define MONARC_VERSION_STRING "0.1.0"

#define MONARC_API __attribute__((visibility("default")))
