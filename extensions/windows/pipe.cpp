#include "pipe.h"

#include "json.h"

#include <sddl.h>

static constexpr DWORD BUFFER_BYTES = 64 << 10;
static constexpr size_t LINE_BYTES_MAX = 512;
static constexpr size_t TASK_CHARACTERS_MAX = 64;
static constexpr DWORD IDLE_MILLIS_MAX = 3 * 60 * 1000;
static constexpr DWORD WRITE_MILLIS_MAX = 30 * 1000;
/// Windows holds writes for ten seconds at most, the provider for sixty.
static constexpr DWORD AUTO_THAW_MILLIS_MAX = 60'000;
static constexpr DWORD PREPARE_MILLIS_MAX = 30 * 60 * 1000;

DWORD PipeServer::start() {
    SECURITY_ATTRIBUTES security = {sizeof security, nullptr, FALSE};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)", SDDL_REVISION_1, &security.lpSecurityDescriptor, nullptr))
        return GetLastError();
    DWORD error = 0;
    constexpr DWORD count = ARRAYSIZE(instances);
    for (DWORD i = 0; i < count && error == 0; i++) {
        DWORD first = i == 0 ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0;
        instances[i] = Handle(CreateNamedPipeW(PIPE_NAME, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
                                               PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, count, BUFFER_BYTES,
                                               BUFFER_BYTES, 0, &security));
        if (!instances[i]) error = GetLastError();
    }
    LocalFree(security.lpSecurityDescriptor);
    for (DWORD i = 0; i < count && error == 0; i++) {
        Handle thread(CreateThread(nullptr, 0, threadMain, this, 0, nullptr));
        if (!thread) error = GetLastError();
    }
    return error;
}

DWORD WINAPI PipeServer::threadMain(void *self) {
    static_cast<PipeServer *>(self)->serveForEver();
    return 0;
}

/// One call on a pipe that does not wait by itself.
class PipeCall {
  public:
    PipeCall() : done(CreateEventW(nullptr, TRUE, FALSE, nullptr)) { overlapped.hEvent = done.get(); }

    OVERLAPPED *begin() {
        ResetEvent(done.get());
        return &overlapped;
    }
    /// Whether the call succeeds in time. @param atOnce what it returned
    bool await(HANDLE pipe, BOOL atOnce, DWORD millisMax, DWORD &bytes) {
        if (!atOnce && GetLastError() != ERROR_IO_PENDING) return GetLastError() == ERROR_PIPE_CONNECTED;
        if (WaitForSingleObject(done.get(), millisMax) != WAIT_OBJECT_0) CancelIo(pipe);
        return GetOverlappedResult(pipe, &overlapped, &bytes, TRUE);
    }

  private:
    Handle done;
    OVERLAPPED overlapped = {};
};

void PipeServer::serveForEver() {
    HANDLE pipe = instances[InterlockedIncrement(&next) - 1].get();
    while (true) {
        PipeCall call;
        DWORD bytes = 0;
        if (call.await(pipe, ConnectNamedPipe(pipe, call.begin()), INFINITE, bytes)) {
            serve(pipe);
        } else {
            Sleep(100);
        }
        // It drops what the client has not read: there is no reader any more, or one that is too slow.
        DisconnectNamedPipe(pipe);
    }
}

void PipeServer::serve(HANDLE pipe) {
    std::string line;
    char received[256];
    PipeCall call;
    while (true) {
        DWORD bytes = 0;
        if (!call.await(pipe, ReadFile(pipe, received, sizeof received, nullptr, call.begin()), IDLE_MILLIS_MAX, bytes) || bytes == 0) return;
        for (DWORD i = 0; i < bytes; i++) {
            if (received[i] != '\n') {
                // What is longer is no request of ours; one character more tells.
                if (line.size() <= LINE_BYTES_MAX) line += received[i];
                continue;
            }
            std::string answer = reply(line) + "\n";
            line.clear();
            DWORD written = 0;
            if (!call.await(pipe, WriteFile(pipe, answer.data(), static_cast<DWORD>(answer.size()), nullptr, call.begin()), WRITE_MILLIS_MAX,
                            written))
                return;
        }
    }
}

static std::vector<std::string> wordsOf(const std::string &line) {
    std::vector<std::string> words;
    std::string word;
    for (char c : line + " ") {
        if (c != ' ' && c != '\r') {
            word += c;
        } else if (!word.empty()) {
            words.push_back(word);
            word.clear();
        }
    }
    return words;
}

static bool isTask(const std::string &text) {
    if (text.empty() || text.size() > TASK_CHARACTERS_MAX) return false;
    return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
}

static bool parseMillis(const std::string &text, DWORD max, DWORD &millis) {
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return false;
    DWORD number = 0;
    for (char digit : text) number = number * 10 + (digit - '0');
    millis = number;
    return number >= 1 && number <= max;
}

static bool parseFreeze(const std::vector<std::string> &words, FreezeRequest &request) {
    if (words.size() < 2 || (words[1] != "full" && words[1] != "copy")) return false;
    request.copy = words[1] == "copy";
    for (size_t i = 2; i < words.size(); i++) {
        size_t equals = words[i].find('=');
        if (equals == std::string::npos) return false;
        std::string name = words[i].substr(0, equals);
        std::string value = words[i].substr(equals + 1);
        bool valid = name == "task"         ? isTask(request.task = value)
                     : name == "autoThawMs" ? parseMillis(value, AUTO_THAW_MILLIS_MAX, request.autoThawMillis)
                     : name == "prepareMs"  ? parseMillis(value, PREPARE_MILLIS_MAX, request.prepareMillis)
                                            : false;
        if (!valid) return false;
    }
    return !request.task.empty();
}

std::string PipeServer::reply(const std::string &line) {
    std::vector<std::string> words = wordsOf(line.substr(0, LINE_BYTES_MAX + 1));
    FreezeRequest request;
    if (line.size() <= LINE_BYTES_MAX && !words.empty()) {
        if (words[0] == "freeze" && parseFreeze(words, request)) return coordinator.freeze(request);
        if (words[0] == "status" && words.size() == 1) return coordinator.status();
        if (words[0] == "thaw" && words.size() == 2 && (words[1] == "ok" || words[1] == "failed")) return coordinator.thaw(words[1] == "ok");
        if (words[0] == "flush" && words.size() == 1) return coordinator.flush();
    }
    JsonWriter json;
    json.beginObject().field("code", "usage").field("message", "freeze full|copy task=ID [autoThawMs=N] [prepareMs=N] | status | thaw ok|failed | flush");
    return json.endObject().text();
}
