#include "outcome.h"

#include "text.h"

const char *name(Code code) {
    switch (code) {
    case Code::ok: return "ok";
    case Code::defect: return "defect";
    case Code::usage: return "usage";
    case Code::notRoot: return "not-root";
    case Code::readOnly: return "read-only";
    case Code::noSpace: return "no-space";
    case Code::busy: return "busy";
    case Code::prerequisiteMissing: return "prerequisite-missing";
    case Code::prerequisiteWrongHash: return "prerequisite-wrong-hash";
    case Code::prerequisiteFailed: return "prerequisite-failed";
    case Code::unsupported: return "unsupported";
    case Code::rebootNeeded: return "reboot-needed";
    case Code::broken: return "broken";
    case Code::notInstalled: return "not-installed";
    case Code::failed: return "failed";
    }
    return "defect";
}

int exitCode(Code code) {
    switch (code) {
    case Code::ok: return 0;
    case Code::defect: return 1;
    case Code::usage: return 2;
    case Code::notRoot: return 10;
    case Code::readOnly: return 11;
    case Code::noSpace: return 12;
    case Code::busy: return 13;
    case Code::prerequisiteMissing:
    case Code::prerequisiteWrongHash:
    case Code::prerequisiteFailed: return 14;
    case Code::unsupported: return 15;
    case Code::rebootNeeded: return 16;
    case Code::broken: return 17;
    case Code::notInstalled: return 18;
    case Code::failed: return 19;
    }
    return 1;
}

Outcome systemFailure(const std::string &doing, DWORD error) {
    Code code = error == ERROR_DISK_FULL || error == ERROR_HANDLE_DISK_FULL ? Code::noSpace
                : error == ERROR_WRITE_PROTECT                              ? Code::readOnly
                                                                            : Code::failed;
    return {code, "can't " + doing, systemText(error), error};
}
