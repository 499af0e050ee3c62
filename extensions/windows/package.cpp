#include "package.h"

#include "files.h"
#include "text.h"

static constexpr size_t MANIFEST_BYTES_MAX = 1 << 20;

Places Places::ofThisProgram() {
    Places places;
    places.package = folderOfThisProgram();
    places.root = parentOf(places.package);
    places.program = places.package + L"\\IaaSVmProvider.exe";
    return places;
}

bool Version::parse(const std::string &text, Version &version) {
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t start = at;
        int64_t number = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 9) number = number * 10 + (text[at++] - '0');
        if (at == start) return false;
        version.parts[i] = number;
        if (i < 2 && (at == text.size() || text[at++] != '.')) return false;
    }
    return at == text.size();
}

/// A path below the package, by folders that it may have: no drive, no `..`, no streams.
static bool isInside(const std::string &path) {
    if (path.empty() || path.find_first_of(":*?\"<>|\\") != std::string::npos) return false;
    for (size_t start = 0; start <= path.size();) {
        size_t end = std::min(path.find('/', start), path.size());
        std::string part = path.substr(start, end - start);
        if (part.empty() || part == "." || part == ".." || part.back() == ' ' || part.back() == '.') return false;
        start = end + 1;
    }
    return true;
}

static bool pathOf(const Json &value, std::wstring &path) {
    std::string text = value.text();
    if (!isInside(text)) return false;
    path = wide(text);
    for (wchar_t &c : path) {
        if (c == L'/') c = L'\\';
    }
    return true;
}

static bool readFiles(const Json &list, Manifest &manifest) {
    for (const Json &each : list.items()) {
        PackageFile file;
        if (!pathOf(each["path"], file.path)) return false;
        file.bytes = each["bytes"].number(-1);
        file.sha256 = each["sha256"].text();
        if (file.bytes < 0 || file.sha256.size() != 64) return false;
        manifest.files.push_back(file);
    }
    return !manifest.files.empty();
}

static bool readPrerequisites(const Json &list, Manifest &manifest) {
    for (const Json &each : list.items()) {
        Prerequisite needed;
        needed.id = each["id"].text();
        needed.version = each["version"].text();
        Version version;
        if (needed.id.empty() || !Version::parse(needed.version, version)) return false;
        bool supplied = each["file"].kind() != Json::Kind::null;
        if (supplied && (!pathOf(each["file"], needed.file) || each["sha256"].text().size() != 64)) return false;
        needed.sha256 = each["sha256"].text();
        for (const Json &argument : each["arguments"].items()) needed.arguments.push_back(wide(argument.text()));
        for (const Json &code : each["okExitCodes"].items()) needed.okExitCodes.push_back(code.number(-1));
        needed.required = each["required"].truth(false);
        manifest.prerequisites.push_back(needed);
    }
    return true;
}

static Outcome broken(const std::string &detail) {
    return {Code::broken, "the package is not as its manifest says: upload it again", detail, 0};
}

Outcome Manifest::read(const Places &places, Manifest &manifest) {
    std::wstring path = places.package + L"\\manifest.json";
    std::string source;
    Outcome outcome = readFile(path, MANIFEST_BYTES_MAX, source);
    if (!outcome.ok()) return {Code::broken, outcome.message, outcome.detail, outcome.number};
    std::optional<Json> json = Json::parse(source);
    if (!json) return broken("manifest.json is no JSON");
    if ((*json)["type"].text() != EXTENSION || (*json)["version"].text() != VERSION)
        return broken("manifest.json is of " + (*json)["type"].text() + " " + (*json)["version"].text() + ", the executable of " EXTENSION " " VERSION);
    manifest.installSeconds = (*json)["verbs"]["install"].number(900);
    if (!readFiles((*json)["files"], manifest)) return broken("manifest.json: files");
    if (!readPrerequisites((*json)["prerequisites"], manifest)) return broken("manifest.json: prerequisites");
    return {};
}

bool Manifest::isOfPrerequisite(const PackageFile &file) const {
    for (const Prerequisite &each : prerequisites) {
        if (sameIgnoringCase(each.file, file.path)) return true;
    }
    return false;
}

Outcome verify(const Places &places, const Manifest &manifest, bool prerequisitesToo) {
    for (const PackageFile &each : manifest.files) {
        if (!prerequisitesToo && manifest.isOfPrerequisite(each)) continue;
        Handle file;
        std::string digest;
        Outcome outcome = openUnchanging(places.package + L"\\" + each.path, file);
        if (outcome.ok()) outcome = sha256(file.get(), digest);
        if (!outcome.ok()) return {Code::broken, outcome.message, outcome.detail, outcome.number};
        LARGE_INTEGER size;
        if (!GetFileSizeEx(file.get(), &size) || size.QuadPart != each.bytes || digest != each.sha256)
            return broken(utf8(each.path) + ": " + std::to_string(size.QuadPart) + " bytes, SHA-256 " + digest + ", expected " +
                          std::to_string(each.bytes) + " bytes, " + each.sha256);
    }
    return {};
}

Outcome State::read(const Places &places, State &state) {
    std::string source;
    Outcome outcome = readFile(places.state(), MANIFEST_BYTES_MAX, source);
    if (outcome.number == ERROR_FILE_NOT_FOUND || outcome.number == ERROR_PATH_NOT_FOUND) return {};
    if (!outcome.ok()) return outcome;
    std::optional<Json> json = Json::parse(source);
    if (!json) return {Code::broken, "what was remembered is no JSON", utf8(places.state()), 0};
    state.installed = (*json)["version"].text();
    state.disabled = (*json)["disabled"].truth(false);
    const Json &saved = (*json)["saved"];
    state.saved = saved.kind() == Json::Kind::object;
    state.vssStart = saved["vssStart"].number(0);
    state.runtime = saved["runtime"].text();
    return {};
}

Outcome State::write(const Places &places) const {
    JsonWriter json;
    json.beginObject().field("version", installed).field("disabled", disabled);
    if (saved) json.key("saved").beginObject().field("vssStart", vssStart).field("runtime", runtime).endObject();
    json.endObject();
    return replaceFile(places.state(), json.text());
}
