// For functions that return 0, or the line at which a call failed.
#pragma once

#define CHECK(call) \
    do { \
        if ((call) == -1) { \
            return __LINE__; \
        } \
    } while (0)
